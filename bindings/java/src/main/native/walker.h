/*
 * walker.h - lets a Java object see the messages of a walk, or who has a queue open. Part of the generated wrapper's
 * translation unit.
 */
#ifndef CQUEUE_JAVA_WALKER_H
#define CQUEUE_JAVA_WALKER_H

#include <jni.h>
#include <stdbool.h>
#include <string.h>

#include "cqueue.h"

struct walker {
    JNIEnv *jenv;
    jobject visitor;
    jmethodID visit;
};

/* `signature`: of the object's method `visit`. False: an exception is pending. */
static inline bool walker_begin(struct walker *walker, JNIEnv *jenv, jobject visitor, const char *signature)
{
    *walker = (struct walker){jenv, visitor, NULL};
    jclass type = (*jenv)->GetObjectClass(jenv, visitor);
    walker->visit = (*jenv)->GetMethodID(jenv, type, "visit", signature);
    (*jenv)->DeleteLocalRef(jenv, type);
    return walker->visit != NULL;
}

/* A cq_visitor. What the object throws ends the walk and is thrown on when cq_walk has returned. */
static inline int walker_visit_message(const cq_message *message, void *context)
{
    const struct walker *walker = context;
    JNIEnv *jenv = walker->jenv;
    jbyteArray array = (*jenv)->NewByteArray(jenv, (jsize)message->size);

    if (!array)
        return 1;
    (*jenv)->SetByteArrayRegion(jenv, array, 0, (jsize)message->size, message->data);
    jboolean more = (*jenv)->CallBooleanMethod(jenv, walker->visitor, walker->visit, array, (jlong)message->position,
                                               (jint)message->deliveries);
    (*jenv)->DeleteLocalRef(jenv, array);
    return (*jenv)->ExceptionCheck(jenv) || !more;
}

/* A cq_source_visitor. */
static inline int walker_visit_source(const char *name, uint64_t number, void *context)
{
    const struct walker *walker = context;
    JNIEnv *jenv = walker->jenv;
    jsize length = (jsize)strlen(name);
    jbyteArray array = (*jenv)->NewByteArray(jenv, length);

    if (!array)
        return 1;
    (*jenv)->SetByteArrayRegion(jenv, array, 0, length, (const jbyte *)name);
    jboolean more = (*jenv)->CallBooleanMethod(jenv, walker->visitor, walker->visit, array, (jlong)number);
    (*jenv)->DeleteLocalRef(jenv, array);
    return (*jenv)->ExceptionCheck(jenv) || !more;
}

/* A cq_participant_visitor. The object is told where it lies, to read it before it returns. */
static inline int walker_visit_participant(const cq_participant *participant, void *context)
{
    const struct walker *walker = context;
    JNIEnv *jenv = walker->jenv;
    jboolean more = (*jenv)->CallBooleanMethod(jenv, walker->visitor, walker->visit, (jlong)(uintptr_t)participant);

    return (*jenv)->ExceptionCheck(jenv) || !more;
}

#endif
