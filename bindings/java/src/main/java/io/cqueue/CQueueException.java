package io.cqueue;

/**
 * An error of a queue, or what ended a wait before its time ({@link Cancelled}, {@link Stale}); a subclass for each.
 * The message says on which queue, what was asked, what was found and what to do.
 *
 * <p>Not an error: a full or empty queue and a time that is over are ordinary results of the methods that can meet
 * them. A closed queue throws {@link QueueClosedException}.
 */
@SuppressWarnings("serial") // nothing in it but a String and an int
public abstract sealed class CQueueException extends RuntimeException {
    private final String code;
    private final int result;

    private CQueueException(String code, int result, String message) {
        super(message);
        this.code = code;
        this.result = result;
    }

    /** {@return its name in the C interface, such as {@code CQ_EMISMATCH}; the same in every language} */
    public final String code() {
        return code;
    }

    /** {@return its number in the C interface} */
    public final int result() {
        return result;
    }

    /** An argument is out of range. */
    public static final class InvalidArgument extends CQueueException {
        private InvalidArgument(String message) { super("CQ_EINVAL", Raw.CQ_EINVAL, message); }
    }

    /** The name is not 1 to 200 of A-Z a-z 0-9 . _ - beginning with a letter or digit. */
    public static final class BadName extends CQueueException {
        private BadName(String message) { super("CQ_ENAME", Raw.CQ_ENAME, message); }
    }

    /** There is no queue of that name, or no such directory. */
    public static final class NotFound extends CQueueException {
        private NotFound(String message) { super("CQ_ENOENT", Raw.CQ_ENOENT, message); }
    }

    /** {@link Options.Mode#EXCLUSIVE}, and the queue exists. */
    public static final class AlreadyExists extends CQueueException {
        private AlreadyExists(String message) { super("CQ_EEXIST", Raw.CQ_EEXIST, message); }
    }

    /** The queue's capacity or maximal message size differs from the one asked for. */
    public static final class Mismatch extends CQueueException {
        private Mismatch(String message) { super("CQ_EMISMATCH", Raw.CQ_EMISMATCH, message); }
    }

    /** The region has another format version, word size or byte order. */
    public static final class OtherVersion extends CQueueException {
        private OtherVersion(String message) { super("CQ_EVERSION", Raw.CQ_EVERSION, message); }
    }

    /** The bytes of the region contradict each other. */
    public static final class Corrupt extends CQueueException {
        private Corrupt(String message) { super("CQ_ECORRUPT", Raw.CQ_ECORRUPT, message); }
    }

    /** The system refuses access, or the file is not a regular file. */
    public static final class AccessRefused extends CQueueException {
        private AccessRefused(String message) { super("CQ_EACCESS", Raw.CQ_EACCESS, message); }
    }

    /** The file is somebody else's and nobody said to trust it, or everybody may write it. */
    public static final class NotTrusted extends CQueueException {
        private NotTrusted(String message) { super("CQ_EOWNER", Raw.CQ_EOWNER, message); }
    }

    /** The filesystem has no room for another part of the queue; nothing was lost, try later. */
    public static final class NoSpace extends CQueueException {
        private NoSpace(String message) { super("CQ_ENOSPACE", Raw.CQ_ENOSPACE, message); }
    }

    /** No memory or address space in this process. */
    public static final class NoMemory extends CQueueException {
        private NoMemory(String message) { super("CQ_ENOMEM", Raw.CQ_ENOMEM, message); }
    }

    /** 4,094 handles are open on the queue. */
    public static final class LimitReached extends CQueueException {
        private LimitReached(String message) { super("CQ_ELIMIT", Raw.CQ_ELIMIT, message); }
    }

    /** The buffer is smaller than the message, which stays queued. */
    public static final class BufferTooSmall extends CQueueException {
        private final int needed;

        private BufferTooSmall(String message, int needed) {
            super("CQ_ETOOSMALL", Raw.CQ_ETOOSMALL, message);
            this.needed = needed;
        }

        /** {@return the size of the message in bytes} */
        public int needed() {
            return needed;
        }
    }

    /** The message is larger than the queue's maximal message size, or than what was reserved. */
    public static final class MessageTooBig extends CQueueException {
        private MessageTooBig(String message) { super("CQ_ETOOBIG", Raw.CQ_ETOOBIG, message); }
    }

    /** The queue was opened with {@link Options.Mode#READ_ONLY}. */
    public static final class ReadOnly extends CQueueException {
        private ReadOnly(String message) { super("CQ_EREADONLY", Raw.CQ_EREADONLY, message); }
    }

    /** The queue was opened by the parent of this process. */
    public static final class Forked extends CQueueException {
        private Forked(String message) { super("CQ_EFORK", Raw.CQ_EFORK, message); }
    }

    /** The message was released, given back, committed or aborted before. */
    public static final class NotHeld extends CQueueException {
        private NotHeld(String message) { super("CQ_ENOTHELD", Raw.CQ_ENOTHELD, message); }
    }

    /** The filesystem does not support what a queue needs. */
    public static final class UnsuitableFilesystem extends CQueueException {
        private UnsuitableFilesystem(String message) { super("CQ_EFILESYSTEM", Raw.CQ_EFILESYSTEM, message); }
    }

    /** The operating system failed in a way that has no class of its own. */
    public static final class SystemFailure extends CQueueException {
        private SystemFailure(String message) { super("CQ_ESYSTEM", Raw.CQ_ESYSTEM, message); }
    }

    /** This process, or the system, may have no more descriptors or threads. */
    public static final class ProcessLimit extends CQueueException {
        private ProcessLimit(String message) { super("CQ_EPROCESS", Raw.CQ_EPROCESS, message); }
    }

    /** The queue's file would be larger than this process or the filesystem may make one. */
    public static final class FileTooLarge extends CQueueException {
        private FileTooLarge(String message) { super("CQ_EFILESIZE", Raw.CQ_EFILESIZE, message); }
    }

    /**
     * The disk failed. What the call was to do is done, but may not survive a power cut: do not repeat it, {@link
     * CQueue#sync} tries again.
     */
    public static final class DiskFailure extends CQueueException {
        private Object received;
        private int accepted;

        private DiskFailure(String message) { super("CQ_EIO", Raw.CQ_EIO, message); }

        DiskFailure received(Object what) {
            received = what;
            return this;
        }

        DiskFailure accepted(int messages) {
            accepted = messages;
            return this;
        }

        /** {@return how many messages of a batch went in, or came out: they are in the batch} */
        public int accepted() {
            return accepted;
        }

        /**
         * What a call removed from the queue and was to return: it is yours, and nowhere else now.
         *
         * @return a byte array; of a {@link TypedQueue} an object; null if the call was none that returns a message
         */
        public Object received() {
            return received;
        }
    }

    /** The queue has one consumer at a time, and another handle is it: {@link Options#exclusiveConsumer}. */
    public static final class NotTheConsumer extends CQueueException {
        private NotTheConsumer(String message) { super("CQ_ECONSUMER", Raw.CQ_ECONSUMER, message); }
    }

    /** The queue knows 64 sources, and this is none of them. */
    public static final class TooManySources extends CQueueException {
        private TooManySources(String message) { super("CQ_ESOURCES", Raw.CQ_ESOURCES, message); }
    }

    /** The headers are not well formed: keys are 1 to 255 bytes of UTF-8. */
    public static final class BadHeaders extends CQueueException {
        private BadHeaders(String message) { super("CQ_EHEADERS", Raw.CQ_EHEADERS, message); }
    }

    /** The queue was not created for this, such as {@link Options#maxHeaders}. */
    public static final class NotCreatedForThis extends CQueueException {
        private NotCreatedForThis(String message) { super("CQ_EFEATURE", Raw.CQ_EFEATURE, message); }
    }

    /** The durable directory serves another region, or another process is just recovering it. */
    public static final class Busy extends CQueueException {
        private Busy(String message) { super("CQ_EBUSY", Raw.CQ_EBUSY, message); }
    }

    /** {@link CQueue#cancel} ended the wait. */
    public static final class Cancelled extends CQueueException {
        private Cancelled(String message) { super("CQ_CANCELLED", Raw.CQ_CANCELLED, message); }
    }

    /**
     * The queue was removed: nobody who opens it by name meets this handle any more. Thrown where a wait would have to
     * sleep. Open the queue again; or go on with the other handles that have it open, see {@link Options#keepUnlinked}. What
     * is in it can be polled.
     */
    public static final class Stale extends CQueueException {
        private Stale(String message) { super("CQ_STALE", Raw.CQ_STALE, message); }
    }

    /** The exception of a result; `size` is what the error is about, where it is about one. */
    static CQueueException of(int result, String message, long size) {
        return switch (result) {
            case Raw.CQ_EINVAL -> new InvalidArgument(message);
            case Raw.CQ_ENAME -> new BadName(message);
            case Raw.CQ_ENOENT -> new NotFound(message);
            case Raw.CQ_EEXIST -> new AlreadyExists(message);
            case Raw.CQ_EMISMATCH -> new Mismatch(message);
            case Raw.CQ_EVERSION -> new OtherVersion(message);
            case Raw.CQ_ECORRUPT -> new Corrupt(message);
            case Raw.CQ_EACCESS -> new AccessRefused(message);
            case Raw.CQ_EOWNER -> new NotTrusted(message);
            case Raw.CQ_ENOSPACE -> new NoSpace(message);
            case Raw.CQ_ENOMEM -> new NoMemory(message);
            case Raw.CQ_ELIMIT -> new LimitReached(message);
            case Raw.CQ_ETOOSMALL -> new BufferTooSmall(message, (int) size);
            case Raw.CQ_ETOOBIG -> new MessageTooBig(message);
            case Raw.CQ_EREADONLY -> new ReadOnly(message);
            case Raw.CQ_EFORK -> new Forked(message);
            case Raw.CQ_ENOTHELD -> new NotHeld(message);
            case Raw.CQ_EFILESYSTEM -> new UnsuitableFilesystem(message);
            case Raw.CQ_ESYSTEM -> new SystemFailure(message);
            case Raw.CQ_EPROCESS -> new ProcessLimit(message);
            case Raw.CQ_EFILESIZE -> new FileTooLarge(message);
            case Raw.CQ_EIO -> new DiskFailure(message);
            case Raw.CQ_EBUSY -> new Busy(message);
            case Raw.CQ_ECONSUMER -> new NotTheConsumer(message);
            case Raw.CQ_ESOURCES -> new TooManySources(message);
            case Raw.CQ_EHEADERS -> new BadHeaders(message);
            case Raw.CQ_EFEATURE -> new NotCreatedForThis(message);
            case Raw.CQ_CANCELLED -> new Cancelled(message);
            case Raw.CQ_STALE -> new Stale(message);
            default -> throw new AssertionError("result " + result + " is none of cqueue.h: " + message);
        };
    }
}
