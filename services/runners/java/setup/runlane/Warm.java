package runlane;

import java.io.*;
import java.math.*;
import java.nio.file.*;
import java.util.*;
import java.util.concurrent.*;
import java.util.function.*;
import java.util.stream.*;

/** A bit of everything: the classes of the compiler that it needs are kept, ready to use, for all programs. */
public class Warm {
    interface Shape {
        double area();
    }

    record Circle(double radius) implements Shape {
        public double area() {
            return Math.PI * radius * radius;
        }
    }

    enum Colour { RED, GREEN }

    static class Stack<T extends Comparable<T>> implements Iterable<T> {
        private final Deque<T> items = new ArrayDeque<>();

        void push(T item) {
            items.push(item);
        }

        @Override
        public Iterator<T> iterator() {
            return items.iterator();
        }
    }

    static String name(Colour colour) {
        return switch (colour) {
            case RED -> "red";
            case GREEN -> "green";
        };
    }

    public static void main(String[] arguments) throws Exception {
        var stack = new Stack<Integer>();
        for (int at = 0; at < 3; at++) stack.push(at);
        int sum = 0;
        for (int item : stack) sum += item;
        Map<String, List<Integer>> lists = new HashMap<>();
        lists.computeIfAbsent("numbers", name -> new ArrayList<>()).add(sum);
        Object shape = new Circle(1.5);
        if (shape instanceof Circle circle) System.out.printf("%.2f %s%n", circle.area(), name(Colour.RED));
        Function<Integer, Integer> twice = number -> number * 2;
        System.out.println(Stream.of(1, 2).map(twice).collect(Collectors.toList()) + " " + lists);
        Runnable later = new Runnable() {
            public void run() {
                System.out.println(BigInteger.TWO.pow(70));
            }
        };
        try (var input = new BufferedReader(new InputStreamReader(System.in))) {
            later.run();
            System.out.println(input.readLine());
        } catch (IOException | IllegalStateException error) {
            throw new RuntimeException("failed", error);
        } finally {
            System.out.flush();
        }
    }
}
