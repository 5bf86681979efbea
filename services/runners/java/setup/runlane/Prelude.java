package runlane;

import java.io.DataInputStream;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import jdk.internal.access.SharedSecrets;

/**
 * The main class of a JVM that was started before there was a program: waits for it, and starts it as the JVM's own launcher
 * does, so that what is wrong with its main class is said in the same words. Frames: jail/frames.py of the host.
 */
public class Prelude {
    private static final int TOLD_FD = 3, RUN_FD = 4;
    private static final int RUN = 1, FILE = 2, START = 3;
    private static final int LM_CLASS = 1;

    public static void main(String[] none) throws Throwable {
        rehearse();
        String[] words = receive();
        int classPath = Arrays.asList(words).indexOf("-cp") + 1;
        String mainClass = words[classPath + 1];
        String[] arguments = Arrays.copyOfRange(words, classPath + 2, words.length);
        useClassPath(words[classPath]);
        System.setProperty("sun.java.command", String.join(" ", Arrays.asList(words).subList(classPath + 1, words.length)));
        Class<?> found = sun.launcher.LauncherHelper.checkAndLoadMain(true, LM_CLASS, mainClass);
        try {
            // As the launcher does: before main is looked at.
            Class.forName(found.getName(), true, found.getClassLoader());
            start(found, arguments);
        } catch (Throwable failure) {
            forget(failure, Collections.newSetFromMap(new IdentityHashMap<>()));
            throw failure;
        }
    }

    /** What this class and nearly every program need is loaded and linked by having been used. */
    private static void rehearse() throws Throwable {
        String text = "warm " + System.nanoTime() + ' ' + new ArrayList<>(List.of(1, 2.5));
        Function<String, Integer> length = String::length;
        new PrintStream(OutputStream.nullOutputStream()).println(text + length.apply(text));
        byte[] file = "\0\17/tmp/.prelude/a\0".getBytes(StandardCharsets.UTF_8);
        write(file);
        Files.delete(Path.of("/tmp/.prelude/a"));
        Files.delete(Path.of("/tmp/.prelude"));
        start(sun.launcher.LauncherHelper.checkAndLoadMain(true, LM_CLASS, Nothing.class.getName()), new String[] {});
    }

    /** A program. */
    public static class Nothing {
        public static void main(String[] none) {}
    }

    /** Write the files as they come; the words of the command, once it may start. */
    private static String[] receive() throws IOException {
        String[] words = {};
        try (var in = new DataInputStream(new FileInputStream(descriptor(RUN_FD)));
                var told = new FileOutputStream(descriptor(TOLD_FD))) {
            told.write('.'); // it waits
            for (int kind = 0; kind != START; ) {
                int first = in.read();
                // Nobody needs this process any more.
                if (first < 0) Runtime.getRuntime().halt(0);
                int length = first << 24 | in.readUnsignedByte() << 16 | in.readUnsignedShort();
                kind = in.readUnsignedByte();
                byte[] payload = in.readNBytes(length);
                if (kind == FILE) write(payload);
                else if (kind == RUN) {
                    words = wordsOf(new String(payload, StandardCharsets.UTF_8).split("\0", -1));
                    told.write('.'); // it has its run
                    told.close();
                }
            }
        }
        return words;
    }

    private static FileDescriptor descriptor(int number) {
        var descriptor = new FileDescriptor();
        SharedSecrets.getJavaIOFileDescriptorAccess().set(descriptor, number);
        return descriptor;
    }

    private static String[] wordsOf(String[] said) {
        return Arrays.copyOfRange(said, 2, 2 + Integer.parseInt(said[0]));
    }

    private static void write(byte[] payload) throws IOException {
        int end = 2 + ((payload[0] & 0xff) << 8 | payload[1] & 0xff);
        Path path = Path.of(new String(payload, 2, end - 2, StandardCharsets.UTF_8));
        if (path.getParent() != null) Files.createDirectories(path.getParent());
        Files.write(path, Arrays.copyOfRange(payload, end + 1, payload.length), StandardOpenOption.CREATE_NEW);
        if (payload[end] != 0) Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    /** The loader of programs looks there too: the folder was not there when it was made, or it would have been named to it. */
    private static void useClassPath(String path) throws ReflectiveOperationException {
        ClassLoader loader = ClassLoader.getSystemClassLoader();
        Method append = loader.getClass().getDeclaredMethod("appendToClassPathForInstrumentation", String.class);
        append.setAccessible(true);
        append.invoke(loader, path);
        System.setProperty("java.class.path", path);
    }

    private static void start(Class<?> found, String[] arguments) throws Throwable {
        Method main = mainOf(found);
        main.setAccessible(true);
        // By a handle, as reflection would be seen in every stack trace of the program.
        MethodHandle handle = MethodHandles.lookup().unreflect(main);
        if (!Modifier.isStatic(main.getModifiers())) {
            var constructor = found.getDeclaredConstructor();
            constructor.setAccessible(true);
            handle = handle.bindTo(constructor.newInstance());
        }
        if (main.getParameterCount() == 0) handle.invoke();
        else handle.invoke(arguments);
    }

    /** The launcher has made sure that there is one: since Java 25 it need be neither static nor public, nor take arguments. */
    private static Method mainOf(Class<?> found) throws NoSuchMethodException {
        for (Class<?>[] parameters : new Class<?>[][] {{String[].class}, {}}) {
            for (Class<?> type = found; type != null; type = type.getSuperclass()) {
                try {
                    return type.getDeclaredMethod("main", parameters);
                } catch (NoSuchMethodException next) {
                    // Perhaps it is inherited.
                }
            }
        }
        throw new NoSuchMethodException("main");
    }

    /** This class is no part of what the program did. */
    private static void forget(Throwable failure, Set<Throwable> seen) {
        if (failure == null || !seen.add(failure)) return;
        StackTraceElement[] trace = failure.getStackTrace();
        int end = trace.length;
        while (end > 0 && isOurs(trace[end - 1])) end--;
        failure.setStackTrace(Arrays.copyOf(trace, end));
        forget(failure.getCause(), seen);
        for (Throwable suppressed : failure.getSuppressed()) forget(suppressed, seen);
    }

    private static boolean isOurs(StackTraceElement frame) {
        String name = frame.getClassName();
        return name.equals(Prelude.class.getName()) || name.equals("java.lang.Class") && frame.getMethodName().startsWith("forName");
    }
}
