//! What a message says: its producer and number, a checksum, a filling; and the record of its arrival.

/// Messages in a batch.
pub const MANY: usize = 64;

/// Bytes before the filling.
const HEAD: usize = 20;

fn checksum(message: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&message[..16]);
    hasher.update(&message[HEAD..]);
    hasher.finalize()
}

/// An empty message says nothing.
pub fn write(message: &mut [u8], producer: u64, number: u64) {
    if message.is_empty() {
        return;
    }
    message[..8].copy_from_slice(&producer.to_le_bytes());
    message[8..16].copy_from_slice(&number.to_le_bytes());
    message[HEAD..].fill(number as u8);
    let sum = checksum(message);
    message[16..HEAD].copy_from_slice(&sum.to_le_bytes());
}

/// Producer and number; 0 for a message that is too short to say.
pub fn read(message: &[u8]) -> (u64, u64) {
    let word = |at: usize| {
        message
            .get(at..at + 8)
            .map_or(0, |bytes| u64::from_le_bytes(bytes.try_into().unwrap()))
    };
    (word(0), word(8))
}

fn is_intact(message: &[u8]) -> bool {
    match message.len() {
        0 => true,
        1..HEAD => false,
        _ => {
            let filling = read(message).1 as u8;
            message[16..HEAD] == checksum(message).to_le_bytes()
                && message[HEAD..].iter().all(|&byte| byte == filling)
        }
    }
}

/// The record of a message that came; of a copy, deliveries is 0.
pub fn record(message: &[u8], deliveries: u32) -> [u8; 32] {
    let (producer, number) = read(message);
    let mut record = [0; 32];
    record[..8].copy_from_slice(&producer.to_le_bytes());
    record[8..16].copy_from_slice(&number.to_le_bytes());
    record[16..20].copy_from_slice(&(message.len() as u32).to_le_bytes());
    record[20..24].copy_from_slice(&u32::from(is_intact(message)).to_le_bytes());
    record[24..28].copy_from_slice(&deliveries.to_le_bytes());
    record
}
