public class Main {
    public static void main(String[] arguments) {
        System.err.println("bye");
        System.exit(3);
    }
}
