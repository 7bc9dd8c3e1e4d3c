package peers;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.time.Instant;

/** What the jobs need of a request. A POJO, so that Flink has a serializer of its own for it. */
public class Event {
    private static final JsonFactory JSON = new JsonFactory();

    public String id;
    public long time; // milliseconds: what Flink's event time has
    public String model;
    public String tenant;
    public long inputTokens;
    public long outputTokens;
    public double durationMs;
    public double costUsd;

    /** Pulls the eight fields out of a line; no document is built. */
    public static Event parse(String line) throws IOException {
        Event event = new Event();
        try (JsonParser json = JSON.createParser(line)) {
            json.nextToken();
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                String name = json.currentName();
                json.nextToken();
                switch (name) {
                    case "id" -> event.id = json.getText();
                    case "time" -> event.time = Instant.parse(json.getText()).toEpochMilli();
                    case "model" -> event.model = json.getText();
                    case "tenant" -> event.tenant = json.getText();
                    case "input_tokens" -> event.inputTokens = json.getLongValue();
                    case "output_tokens" -> event.outputTokens = json.getLongValue();
                    case "duration_ms" -> event.durationMs = json.getDoubleValue();
                    case "cost_usd" -> event.costUsd = json.getDoubleValue();
                    default -> json.skipChildren();
                }
            }
        }
        return event;
    }
}
