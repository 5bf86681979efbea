import java.util.Scanner;

/** Adds up the numbers in its input. */
public class Main {
    public static void main(String[] args) {
        var in = new Scanner(System.in);
        long sum = 0;
        while (in.hasNextLong()) sum += in.nextLong();
        System.out.println("The sum is " + sum + ".");
    }
}
