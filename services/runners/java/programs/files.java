import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

public class Main {
    public static void main(String[] arguments) throws IOException {
        String text = Files.readString(Path.of("data.txt"));
        Files.writeString(Path.of("out/result.txt"), text.toUpperCase());
    }
}
