// Prints every option of a Flink distribution, one a line: key, type, default, deprecated, other names, values.
// Run as `java -cp 'lib/*' Options.java JAR...`, with the distribution's jars as class path and as arguments.
// Not here: which of them a configuration file may hold (`merge`), or what they mean.

import java.lang.reflect.*;
import java.util.*;
import java.util.jar.*;
import org.apache.flink.configuration.*;

public class Options {
    // Options of tables' connectors and formats are written in SQL, not in the configuration file.
    // Keys of a configuration file; words without a dot are mostly parts of other keys.
    static final String FILE = "cleanup-strategy|external-resources|high-availability|restart-strategy|scheduler-mode|[^#]+[.][^#]+";
    static final String SQL = "org/apache/flink/(connector|formats|streaming/connectors|model|table/(factories|filesystem|connector|runtime))/.*";

    public static void main(String[] jars) throws Exception {
        TreeMap<String, String> lines = new TreeMap<>();
        for (String jar : jars) {
            try (JarFile file = new JarFile(jar)) {
                for (Enumeration<JarEntry> entries = file.entries(); entries.hasMoreElements(); ) {
                    String name = entries.nextElement().getName();
                    boolean ours = name.startsWith("org/apache/flink/") && name.endsWith(".class") && !name.contains("/shaded/");
                    if (ours && name.matches(".*(Options|OptionsInternal|ApplicationConfiguration|GlobalConfiguration)[.]class") && !name.matches(SQL)) {
                        read(name.substring(0, name.length() - 6).replace('/', '.'), lines);
                    }
                }
            }
        }
        lines.values().forEach(System.out::println);
    }

    static void read(String name, TreeMap<String, String> lines) {
        try {
            for (Field field : Class.forName(name).getDeclaredFields()) {
                if (!Modifier.isStatic(field.getModifiers()) || field.getType() != ConfigOption.class) {
                    continue;
                }
                field.setAccessible(true);
                ConfigOption<?> option = (ConfigOption<?>) field.get(null);
                if (option != null) {
                    String key = option.key();
                    if (field.getName().startsWith("REPORTER_") && !key.matches("[a-z]+[.]reporters?[.]?.*")) {
                        // `MetricOptions`, `TraceOptions` and `EventOptions` name what stands behind a reporter's name.
                        String kind = name.replaceAll(".*[.]|Options$", "").toLowerCase();
                        key = kind + "s.reporter.<name>." + key;
                    }
                    if (!key.matches(FILE)) {
                        continue;
                    }
                    boolean deprecated = field.isAnnotationPresent(Deprecated.class) || field.getDeclaringClass().isAnnotationPresent(Deprecated.class);
                    String line = describe(key, option, deprecated);
                    // Of two options with one key, the one that is not deprecated describes it.
                    lines.merge(key, line, (a, b) -> a.split("\t", -1)[3].isEmpty() ? a : b);
                }
            }
        } catch (Throwable absent) {
            System.err.println(name + ": " + absent);
        }
    }

    static String describe(String key, ConfigOption<?> option, boolean deprecated) throws Exception {
        Class<?> type = (Class<?>) call(option, "getClazz");
        boolean list = (Boolean) call(option, "isList");
        List<String> names = new ArrayList<>();
        for (FallbackKey other : option.fallbackKeys()) {
            names.add((other.isDeprecated() ? "" : "~") + other.getKey());
        }
        List<String> values = new ArrayList<>();
        if (type.isEnum()) {
            for (Object value : type.getEnumConstants()) {
                values.add(value.toString());
            }
        }
        String simple = type.isEnum() ? "Enum" : type.getSimpleName();
        String standard = option.hasDefaultValue() ? plain(option.defaultValue()) : "";
        return String.join("\t", key, list ? "List<" + simple + ">" : simple, standard, deprecated ? "deprecated" : "",
                String.join(" ", names), String.join(" ", values));
    }

    static Object call(ConfigOption<?> option, String name) throws Exception {
        Method method = ConfigOption.class.getDeclaredMethod(name);
        method.setAccessible(true);
        return method.invoke(option);
    }

    static String plain(Object value) {
        String text = String.valueOf(value).replaceAll("\\s+", " ");
        // A default that is a path of this machine says nothing of another.
        return text.length() > 60 || text.contains(System.getProperty("user.dir")) ? "" : text;
    }
}
