/* supply.h - memory for what is about to be claimed. */
#ifndef CQ_SUPPLY_H
#define CQ_SUPPLY_H

#include "node.h"

struct end;

void supply_node(cq_queue *queue, struct growth *growth);
void supply_note(cq_queue *queue);
bool supply_has_node(cq_queue *queue);
int supply_slot(cq_queue *queue, const struct end *tail, size_t size);

#endif
