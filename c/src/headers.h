/* headers.h - the headers of messages. */
#ifndef CQ_HEADERS_H
#define CQ_HEADERS_H

#include "handle.h"

int headers_check(const cq_queue *queue, const void *headers, size_t size);
cq_slice headers_of(const cq_queue *queue, const unsigned char *payload);

#endif
