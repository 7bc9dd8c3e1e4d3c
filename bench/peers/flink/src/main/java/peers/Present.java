package peers;

/** Ends well where everything that the jobs need is on the class path. */
public class Present {
    public static void main(String[] arguments) throws ClassNotFoundException {
        Class.forName("org.apache.flink.streaming.api.environment.StreamExecutionEnvironment");
    }
}
