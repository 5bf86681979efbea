public class Main {
    public static void main(String[] arguments) throws InterruptedException {
        for (int tick = 1; tick <= 5; tick++) {
            if (tick > 1) Thread.sleep(100);
            System.out.println("tick " + tick);
        }
    }
}
