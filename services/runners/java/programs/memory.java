import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

public class Main {
    public static void main(String[] arguments) {
        List<byte[]> kept = new ArrayList<>();
        while (true) {
            byte[] piece = new byte[8 << 20];
            Arrays.fill(piece, (byte) 1);
            kept.add(piece);
        }
    }
}
