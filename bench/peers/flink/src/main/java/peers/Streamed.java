package peers;

import java.time.Duration;
import java.util.Arrays;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.AggregateFunction;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.TypeHint;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.connector.file.src.FileSource;
import org.apache.flink.connector.file.src.reader.TextLineInputFormat;
import org.apache.flink.core.fs.Path;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.streaming.api.functions.windowing.ProcessWindowFunction;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import org.apache.flink.util.Collector;

/** usage: Streamed A|B|C INPUT ROWS. The main jobs with the DataStream API; state on the heap, no checkpoints. */
public class Streamed {
    private static final long TTL = Duration.ofMinutes(10).toMillis();

    public static void main(String[] arguments) throws Exception {
        boolean percentiles = arguments[0].equals("B");
        StreamExecutionEnvironment environment = StreamExecutionEnvironment.getExecutionEnvironment();
        environment.setParallelism(1);
        environment.getConfig().enableObjectReuse();
        FileSource<String> lines = FileSource.forRecordStreamFormat(new TextLineInputFormat(), new Path(arguments[1])).build();
        WatermarkStrategy<Event> watermarks = WatermarkStrategy
                .<Event>forBoundedOutOfOrderness(Duration.ofSeconds(5)).withTimestampAssigner((event, before) -> event.time);
        DataStream<Event> events = environment.fromSource(lines, WatermarkStrategy.noWatermarks(), "lines")
                .map(Event::parse).returns(Event.class).assignTimestampsAndWatermarks(watermarks);
        if (arguments[0].equals("C")) {
            events = events.keyBy(event -> event.id).process(new First());
        }
        TypeInformation<Tuple2<String, String>> key = TypeInformation.of(new TypeHint<>() {});
        events.keyBy(event -> Tuple2.of(event.model, event.tenant), key)
                .window(TumblingEventTimeWindows.of(Duration.ofSeconds(10)))
                .aggregate(new Numbers(percentiles), new Rendering())
                .flatMap(new Rows(arguments[2])).returns(Types.STRING)
                .sinkTo(new DiscardingSink<>());
        environment.execute();
    }

    /** The first event of each id within ten minutes of event time. */
    static class First extends KeyedProcessFunction<String, Event, Event> {
        private transient ValueState<Boolean> seen;

        @Override
        public void open(OpenContext context) {
            seen = getRuntimeContext().getState(new ValueStateDescriptor<>("seen", Types.BOOLEAN));
        }

        @Override
        public void processElement(Event event, Context context, Collector<Event> out) throws Exception {
            if (seen.value() == null) {
                seen.update(true);
                context.timerService().registerEventTimeTimer(event.time + TTL);
                out.collect(event);
            }
        }

        @Override
        public void onTimer(long time, OnTimerContext context, Collector<Event> out) {
            seen.clear();
        }
    }

    /** What is known of a key in a window; on the heap it is never serialized. */
    static class State {
        long requests;
        long tokensIn;
        long tokensOut;
        double sum;
        double min = Double.POSITIVE_INFINITY;
        double max = Double.NEGATIVE_INFINITY;
        double cost;
        double[] durations = new double[0];
    }

    static class Numbers implements AggregateFunction<Event, State, String> {
        private final boolean percentiles;

        Numbers(boolean percentiles) {
            this.percentiles = percentiles;
        }

        @Override
        public State createAccumulator() {
            return new State();
        }

        @Override
        public State add(Event event, State state) {
            if (percentiles) {
                if (state.requests == state.durations.length) {
                    state.durations = Arrays.copyOf(state.durations, Math.max(8, state.durations.length * 2));
                }
                state.durations[(int) state.requests] = event.durationMs;
            }
            state.requests++;
            state.tokensIn += event.inputTokens;
            state.tokensOut += event.outputTokens;
            state.sum += event.durationMs;
            state.min = Math.min(state.min, event.durationMs);
            state.max = Math.max(state.max, event.durationMs);
            state.cost += event.costUsd;
            return state;
        }

        @Override
        public String getResult(State state) {
            StringBuilder text = new StringBuilder(256);
            text.append("\"requests\":").append(state.requests).append(",\"tokens_in\":").append(state.tokensIn)
                    .append(",\"tokens_out\":").append(state.tokensOut).append(",\"latency_avg\":").append(state.sum / state.requests)
                    .append(",\"latency_min\":").append(state.min).append(",\"latency_max\":").append(state.max)
                    .append(",\"cost\":").append(state.cost);
            if (percentiles) {
                double[] sorted = Arrays.copyOf(state.durations, (int) state.requests);
                Arrays.sort(sorted);
                for (int percent : new int[] {50, 95, 99}) {
                    text.append(",\"p").append(percent).append("\":").append(sorted[(sorted.length * percent + 99) / 100 - 1]);
                }
            }
            return text.toString();
        }

        @Override
        public State merge(State left, State right) {
            throw new UnsupportedOperationException("tumbling windows are never merged");
        }
    }

    static class Rendering extends ProcessWindowFunction<String, String, Tuple2<String, String>, TimeWindow> {
        @Override
        public void process(Tuple2<String, String> key, Context context, Iterable<String> values, Collector<String> out) {
            out.collect(Rows.row(context.window().getStart(), key.f0, key.f1, values.iterator().next()));
        }
    }
}
