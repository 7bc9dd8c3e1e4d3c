package peers;

import java.io.BufferedWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichFlatMapFunction;
import org.apache.flink.util.Collector;

/** Writes rows to a file and passes nothing on: what Flink's own file sink does needs checkpoints, which the other programs do not have. */
public class Rows extends RichFlatMapFunction<String, String> {
    private final String path;
    private transient BufferedWriter out;

    public Rows(String path) {
        this.path = path;
    }

    @Override
    public void open(OpenContext context) throws Exception {
        out = Files.newBufferedWriter(Path.of(path), StandardCharsets.UTF_8);
    }

    @Override
    public void flatMap(String row, Collector<String> nothing) throws Exception {
        out.write(row);
        out.write('\n');
    }

    @Override
    public void close() throws Exception {
        if (out != null) {
            out.close();
        }
    }

    /** A row; `values` are the members of the object of that name. */
    static String row(long start, String model, String tenant, String values) {
        return "{\"window\":\"by_model\",\"start\":\"" + instant(start) + "\",\"end\":\"" + instant(start + 10_000)
                + "\",\"key\":{\"model\":\"" + model + "\",\"tenant\":\"" + tenant + "\"},\"values\":{" + values + "},\"revision\":0}";
    }

    private static String instant(long millis) {
        return Instant.ofEpochMilli(millis).toString().replace("Z", ".000Z");
    }
}
