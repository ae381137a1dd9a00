// Reads values as Flink's options of each type do, from a configuration file of each form, and says which it takes.
// Run as `java -cp 'lib/*' Values.java FILE-NAME <values`, each line a type, a tab and a value.
// Not here: the keys of real options.

import java.io.PrintStream;
import java.nio.file.*;
import java.time.Duration;
import java.util.*;
import org.apache.flink.configuration.*;

public class Values {
    enum Colour { RED, DARK_BLUE }

    public static void main(String[] arguments) throws Exception {
        // Flink logs to where answers go.
        PrintStream out = System.out;
        System.setOut(System.err);
        boolean yaml = arguments[0].equals("config.yaml");
        Path folder = Files.createTempDirectory("values");
        for (String line : new String(System.in.readAllBytes(), "UTF-8").split("\n")) {
            String[] pair = line.split("\t", 2);
            String value = yaml ? "'" + pair[1].replace("'", "''") + "'" : pair[1];
            Files.writeString(folder.resolve(arguments[0]), "k: " + value + "\n");
            String answer;
            try {
                answer = "ok\t" + plain(GlobalConfiguration.loadConfiguration(folder.toString()).get(option(pair[0])));
            } catch (Throwable refused) {
                answer = "refused\t";
            }
            out.println(line + "\t" + answer);
        }
    }

    static ConfigOption<?> option(String type) {
        ConfigOptions.OptionBuilder k = ConfigOptions.key("k");
        switch (type) {
            case "Boolean": return k.booleanType().noDefaultValue();
            case "Double": return k.doubleType().noDefaultValue();
            case "Duration": return k.durationType().noDefaultValue();
            case "Enum": return k.enumType(Colour.class).noDefaultValue();
            case "Float": return k.floatType().noDefaultValue();
            case "Integer": return k.intType().noDefaultValue();
            case "List<Enum>": return k.enumType(Colour.class).asList().noDefaultValue();
            case "List<String>": return k.stringType().asList().noDefaultValue();
            case "List<Map>": return k.mapType().asList().noDefaultValue();
            case "Long": return k.longType().noDefaultValue();
            case "Map": return k.mapType().noDefaultValue();
            case "MemorySize": return k.memoryType().noDefaultValue();
            default: return k.stringType().noDefaultValue();
        }
    }

    static String plain(Object value) {
        if (value instanceof Duration) {
            return ((Duration) value).getSeconds() + "s " + ((Duration) value).getNano() + "ns";
        }
        if (value instanceof MemorySize) {
            return ((MemorySize) value).getBytes() + "b";
        }
        return (value instanceof Map ? new TreeMap<>((Map<?, ?>) value) : value) + "";
    }
}
