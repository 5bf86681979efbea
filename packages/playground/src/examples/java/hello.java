import java.util.List;

public class Main {
    public static void main(String[] args) {
        for (var name : List.of("Ada", "Grace", "Margaret")) {
            System.out.println("Hello, " + name + "!");
        }
    }
}
