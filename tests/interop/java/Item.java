import io.cqueue.Codec;
import io.cqueue.DecodeException;
import io.cqueue.Delivery;
import io.cqueue.TypedQueue;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.concurrent.TimeUnit;

/** What put-typed and get-typed exchange, in either format. */
record Item(int id, String name, double price) {
    static Codec<Item> codec(String format) {
        return switch (format) {
            case "json" -> Codec.json(Item.class);
            // struct { int32_t id; double price; char name[8]; }
            case "struct" -> Codec.struct(24,
                    (item, to) -> to.putInt(0, item.id).putDouble(8, item.price)
                            .put(16, item.name.getBytes(StandardCharsets.UTF_8)),
                    from -> new Item(from.getInt(0),
                            new String(from.array(), 16, 8, StandardCharsets.UTF_8).replace("\0", ""),
                            from.getDouble(8)));
            default -> throw new IllegalArgumentException("--format " + format);
        };
    }

    static void put(TypedQueue<Item> queue, long count) throws InterruptedException {
        for (long i = 0; i < count; i++) {
            queue.put(new Item(7, "tea", 2.5));
        }
    }

    static void get(TypedQueue<Item> queue, long count) throws InterruptedException {
        for (long i = 0; i < count; i++) {
            try (Delivery<Item> delivery = queue.pollDelivery(10, TimeUnit.SECONDS)) {
                if (delivery == null) {
                    throw new IllegalStateException("no value came for 10 s");
                }
                System.out.println(delivery.value());
                delivery.release();
            } catch (DecodeException error) {
                System.out.println("undecodable " + HexFormat.of().formatHex(error.data()));
            }
        }
    }

    @Override
    public String toString() {
        return id + " " + name + " " + price;
    }
}
