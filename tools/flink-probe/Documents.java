// Reads whole configuration files as Flink does, and prints what it ends up with, or that it fails.
// Run as `java -cp 'lib/*' Documents.java FILE-NAME <documents`; documents are separated by lines of `====`.
// Not here: what the keys mean.

import java.io.PrintStream;
import java.nio.file.*;
import java.util.*;
import org.apache.flink.configuration.*;

public class Documents {
    public static void main(String[] arguments) throws Exception {
        // Flink logs to where answers go.
        PrintStream out = System.out;
        System.setOut(System.err);
        Path folder = Files.createTempDirectory("documents");
        for (String document : new String(System.in.readAllBytes(), "UTF-8").split("\n====\n")) {
            Files.writeString(folder.resolve(arguments[0]), document + "\n");
            StringBuilder answer = new StringBuilder();
            try {
                Map<String, String> all = GlobalConfiguration.loadConfiguration(folder.toString()).toMap();
                new TreeMap<>(all).forEach((key, value) -> answer.append(" | ").append(key).append(" = ").append(value));
            } catch (Throwable refused) {
                answer.append(" refused");
            }
            out.println((": " + answer).replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t"));
        }
    }
}
