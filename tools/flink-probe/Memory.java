// What Flink's own start scripts would be told of memory: each configuration of a file, for the process it speaks of.
// Run as `java -cp 'bin/bash-java-utils.jar:lib/*' Memory.java <cases`; cases are separated by empty lines.
// Not here: how the scripts read it.

import java.io.PrintStream;
import java.lang.reflect.*;
import java.nio.file.*;
import java.util.*;

public class Memory {
    public static void main(String[] arguments) throws Exception {
        // Flink logs to where answers go.
        PrintStream out = System.out;
        System.setOut(System.err);
        Class<?> utils = Class.forName("org.apache.flink.runtime.util.bash.BashJavaUtils");
        Class<?> command = Class.forName(utils.getName() + "$Command");
        Method run = utils.getDeclaredMethod("runCommand", command, String[].class);
        run.setAccessible(true);
        Path folder = Files.createTempDirectory("memory");
        for (String given : new String(System.in.readAllBytes(), "UTF-8").split("\n\n")) {
            for (String file : List.of("flink-conf.yaml", "config.yaml")) {
                Files.writeString(folder.resolve(file), given + "\n");
            }
            out.println(given.strip());
            for (Object which : command.getEnumConstants()) {
                if (!which.toString().endsWith("_RESOURCE_PARAMS")) {
                    continue;
                }
                String name = which.toString().substring(4, 6).toLowerCase();
                if (!given.contains(name.equals("tm") ? "taskmanager." : "jobmanager.")) {
                    continue;
                }
                try {
                    String[] options = {"--configDir", folder.toString()};
                    for (Object line : (List<?>) run.invoke(null, which, options)) {
                        out.println("= " + name + " " + sorted(line.toString()));
                    }
                } catch (InvocationTargetException failed) {
                    Throwable cause = failed.getCause();
                    while (cause.getCause() != null) {
                        cause = cause.getCause();
                    }
                    out.println("! " + name + " " + String.valueOf(cause.getMessage()).split("\n")[0]);
                }
            }
            out.println();
        }
    }

    // The order of the settings follows no rule.
    static String sorted(String line) {
        if (!line.startsWith("-D ")) {
            return line;
        }
        String[] words = line.substring(3).split(" -D ");
        Arrays.sort(words);
        return String.join(" ", words);
    }
}
