public class Main {
    public static void main(String[] arguments) {
        String line = "x".repeat(63);
        while (true) System.out.println(line);
    }
}
