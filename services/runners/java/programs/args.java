public class Main {
    public static void main(String[] arguments) {
        for (String argument : arguments) System.out.println(argument);
    }
}
