/** Named queues in shared memory for the processes of one machine, crash-safe and in any of several languages. */
module io.cqueue {
    requires static com.fasterxml.jackson.databind; // for Codec.json alone

    exports io.cqueue;
}
