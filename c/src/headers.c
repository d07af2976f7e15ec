/*
 * headers.c - the headers of messages: bytes that are well formed, made one by one and read one by one.
 *
 * It owns their format: for each the key's length (1 byte), the value's (2 bytes, little-endian), the key, the
 * value. It must not know how a message gets into its slot.
 */
#include "headers.h"

#include "slot.h"

#include <string.h>

#define LENGTHS 3u
#define KEY_MOST 255u
#define VALUE_MOST 65535u

/* How many bytes a character of UTF-8 has; 0: it is none. */
static size_t character(const unsigned char *text, size_t size)
{
    size_t more = text[0] < 0x80 ? 0
                : text[0] >= 0xc2 && text[0] < 0xe0 ? 1
                : text[0] >= 0xe0 && text[0] < 0xf0 ? 2
                                                    : 3;

    if ((more == 3 && (text[0] < 0xf0 || text[0] > 0xf4)) || more >= size || text[0] == 0)
        return 0;
    for (size_t i = 1; i <= more; ++i)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    if (more > 1) { /* too long a form, half of a pair, or beyond the last character */
        bool low = text[1] < (text[0] == 0xe0 ? 0xa0 : text[0] == 0xf0 ? 0x90 : 0x80);
        bool high = text[1] > (text[0] == 0xed ? 0x9f : text[0] == 0xf4 ? 0x8f : 0xbf);
        return low || high ? 0 : more + 1;
    }
    return more + 1;
}

static bool is_key(const char *key, size_t size)
{
    if (size == 0 || size > KEY_MOST)
        return false;
    for (size_t i = 0, length; i < size; i += length)
        if ((length = character((const unsigned char *)key + i, size - i)) == 0)
            return false;
    return true;
}

int cq_header_next(const void *headers, size_t size, size_t *offset, cq_header *header)
{
    const unsigned char *at = headers;

    if ((!headers && size > 0) || !offset || !header)
        return CQ_EINVAL;
    if (*offset == size)
        return CQ_EMPTY;
    if (*offset > size || size - *offset < LENGTHS)
        return CQ_EHEADERS;
    at += *offset;
    size_t key = at[0], value = (size_t)at[1] | (size_t)at[2] << 8;
    if (key + value > size - *offset - LENGTHS || !is_key((const char *)at + LENGTHS, key))
        return CQ_EHEADERS;
    *header = (cq_header){(const char *)at + LENGTHS, key, at + LENGTHS + key, value};
    *offset += LENGTHS + key + value;
    return CQ_OK;
}

static int find_key(const void *headers, size_t size, const char *key, size_t key_size, cq_slice *value)
{
    size_t offset = 0;
    cq_header header;
    int result;

    while ((result = cq_header_next(headers, size, &offset, &header)) == CQ_OK)
        if (header.key_size == key_size && memcmp(header.key, key, key_size) == 0) {
            *value = (cq_slice){(void *)(uintptr_t)header.value, header.value_size};
            return CQ_OK;
        }
    return result;
}

int cq_header_find(const void *headers, size_t size, const char *key, cq_slice *value)
{
    return key && value ? find_key(headers, size, key, strlen(key), value) : CQ_EINVAL;
}

int cq_header_add(void *headers, size_t room, size_t *size, const char *key, const void *value, size_t value_size)
{
    unsigned char *at = headers;
    cq_slice there;

    if (!size || (!headers && room > 0) || *size > room || !key || (!value && value_size > 0))
        return CQ_EINVAL;
    size_t key_size = strnlen(key, KEY_MOST + 1);
    if (!is_key(key, key_size))
        return CQ_EHEADERS;
    int result = find_key(headers, *size, key, key_size, &there);
    if (result != CQ_EMPTY)
        return result == CQ_OK ? CQ_EHEADERS : result;
    if (value_size > VALUE_MOST || room - *size < LENGTHS + key_size || room - *size - LENGTHS - key_size < value_size)
        return CQ_ETOOBIG;
    at += *size;
    at[0] = (unsigned char)key_size;
    at[1] = (unsigned char)value_size;
    at[2] = (unsigned char)(value_size >> 8);
    memcpy(at + LENGTHS, key, key_size);
    if (value_size > 0)
        memcpy(at + LENGTHS + key_size, value, value_size);
    *size += LENGTHS + key_size + value_size;
    return CQ_OK;
}

/* May a message of this queue have these headers? */
int headers_check(const cq_queue *queue, const void *headers, size_t size)
{
    size_t offset = 0, before = 0;
    cq_header header;
    cq_slice there;
    int result;

    if (size == 0)
        return CQ_OK;
    if (!headers)
        return CQ_EINVAL;
    if (queue->geometry.max_headers == 0)
        return CQ_EFEATURE;
    if (size > queue->geometry.max_headers)
        return CQ_ETOOBIG;
    for (; (result = cq_header_next(headers, size, &offset, &header)) == CQ_OK; before = offset)
        if (find_key(headers, before, header.key, header.key_size, &there) == CQ_OK)
            return CQ_EHEADERS;
    return result == CQ_EMPTY ? CQ_OK : result;
}

/* Those before a message's bytes. Their length is read once, as slot_size does. */
cq_slice headers_of(const cq_queue *queue, const unsigned char *payload)
{
    uint32_t *at = slot_headers(queue, payload), size = *(const volatile uint32_t *)at;
    return (cq_slice){at + 1, size <= queue->geometry.max_headers ? size : 0};
}

int cq_headers(cq_queue *queue, const cq_message *message, cq_slice *headers)
{
    int result = handle_usable(queue);

    if (result == CQ_OK && (!message || !headers))
        result = CQ_EINVAL;
    if (result == CQ_OK && queue->geometry.max_headers == 0)
        result = CQ_EFEATURE;
    if (result == CQ_OK && !message->data)
        result = CQ_ENOTHELD;
    if (result == CQ_OK)
        *headers = headers_of(queue, message->data);
    return result;
}

int cq_enqueue_time(cq_queue *queue, const cq_message *message, int64_t *when)
{
    int result = handle_usable(queue);

    if (result == CQ_OK && (!message || !when))
        result = CQ_EINVAL;
    if (result == CQ_OK && !slot_has_times(queue))
        result = CQ_EFEATURE;
    if (result == CQ_OK && !message->data)
        result = CQ_ENOTHELD;
    if (result == CQ_OK)
        *when = *(const volatile int64_t *)slot_time(queue, message->data);
    return result;
}
