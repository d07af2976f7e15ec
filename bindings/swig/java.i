/*
 * java.i - how the C interface looks in Java, below the handwritten classes.
 *
 * It owns the mapping of C types to Java's; all classes that SWIG makes of it are invisible outside their package. Handles
 * and addresses are plain longs: who may use them until when is the handwritten layer's matter (Handle.java).
 */
%include <stdint.i>
%include <enumsimple.swg>
%javaconst(1);

/* ---- nothing of it is public ------------------------------------------------------------------------------ */

%pragma(java) jniclassclassmodifiers="final class"
%pragma(java) moduleclassmodifiers="final class"
%typemap(javaclassmodifiers) SWIGTYPE, SWIGTYPE *, SWIGTYPE &, SWIGTYPE [] "final class"
%typemap(javafinalize) SWIGTYPE "" /* who makes one deletes it */

/* ---- numbers: unsigned 64 bits are longs, none of ours comes near the sign -------------------------------------- */

%apply long long { uint64_t };

/* ---- strings: UTF-8 bytes, because JNI's own encoding is none that a file system knows ------------------------- */

%typemap(jni) const char * "jbyteArray"
%typemap(jtype) const char * "byte[]"
%typemap(jstype) const char * "String"
%typemap(javain) const char * "Text.encode($javainput)"
%typemap(javaout) const char * { return Text.decode($jnicall); }
%typemap(in) const char * {
  $1 = NULL;
  if ($input) {
    jsize length = (*jenv)->GetArrayLength(jenv, $input);
    $1 = calloc((size_t)length + 1, 1);
    if (!$1) {
      SWIG_JavaThrowException(jenv, SWIG_JavaOutOfMemoryError, "a string");
      return $null;
    }
    (*jenv)->GetByteArrayRegion(jenv, $input, 0, length, (jbyte *)$1);
  }
}
%typemap(freearg) const char * "free((void *)$1);"
%typemap(memberin) const char * "free((void *)$1); $1 = $input; $input = NULL;" /* the struct owns it now */
%typemap(out) const char * {
  jsize length = (jsize)strlen($1);
  $result = (*jenv)->NewByteArray(jenv, length);
  if ($result)
    (*jenv)->SetByteArrayRegion(jenv, $result, 0, length, (const jbyte *)$1);
}

/* The text that cq_explain writes: into an array, cut off at its end. */
%typemap(jni) (char *text, size_t text_size) "jbyteArray"
%typemap(jtype) (char *text, size_t text_size) "byte[]"
%typemap(jstype) (char *text, size_t text_size) "byte[]"
%typemap(javain) (char *text, size_t text_size) "$javainput"
%typemap(in) (char *text, size_t text_size) {
  $2 = (size_t)(*jenv)->GetArrayLength(jenv, $input);
  $1 = calloc($2 + 1, 1);
  if (!$1) {
    SWIG_JavaThrowException(jenv, SWIG_JavaOutOfMemoryError, "a sentence");
    return $null;
  }
}
%typemap(argout) (char *text, size_t text_size) "(*jenv)->SetByteArrayRegion(jenv, $input, 0, (jsize)$2, (const jbyte *)$1);"
%typemap(freearg) (char *text, size_t text_size) "free($1);"

%apply (char *text, size_t text_size) { (char *path, size_t size) };

/* ---- handles and addresses ----------------------------------------------------------------------------------- */

%define PLAIN_ADDRESS(TYPE)
%typemap(jni) TYPE "jlong"
%typemap(jtype) TYPE "long"
%typemap(jstype) TYPE "long"
%typemap(javain) TYPE "$javainput"
%typemap(javaout) TYPE { return $jnicall; }
%typemap(in) TYPE "$1 = ($1_ltype)(uintptr_t)$input;"
%typemap(out) TYPE "$result = (jlong)(uintptr_t)$1;"
%enddef
PLAIN_ADDRESS(cq_queue *)
PLAIN_ADDRESS(void *)
PLAIN_ADDRESS(const void *)

/* Results through a pointer: element 0 of an array. */
%define OUT_PARAMETER(TYPE, VALUE, JTYPE, ARRAY, REGION)
%typemap(jni) TYPE * "ARRAY"
%typemap(jtype) TYPE * "JTYPE[]"
%typemap(jstype) TYPE * "JTYPE[]"
%typemap(javain) TYPE * "$javainput"
%typemap(in) TYPE *($*1_ltype value) "memset(&value, 0, sizeof value); $1 = &value;"
%typemap(argout) TYPE * { j##JTYPE element = (j##JTYPE)VALUE value$argnum; (*jenv)->REGION(jenv, $input, 0, 1, &element); }
%enddef
OUT_PARAMETER(cq_queue *, (uintptr_t), long, jlongArray, SetLongArrayRegion)
OUT_PARAMETER(size_t, , long, jlongArray, SetLongArrayRegion)
%apply size_t * { uint64_t *length, uint64_t *bytes, uint64_t *number };
OUT_PARAMETER(int, , int, jintArray, SetIntArrayRegion)

/* ---- loans: the fields of a cq_message as longs, in the order of its declaration, without struct_size ----------- */

/* Each look at the array costs as much as a message: which functions fill it in, and after which it is of no use. */
%{
enum {
  FILLS,
  CHANGES,
  ENDS,
  message_of_cq_take = FILLS,
  message_of_cq_reserve = FILLS,
  message_of_cq_commit = CHANGES,
  message_of_cq_release = ENDS,
  message_of_cq_return = ENDS,
  message_of_cq_return_after = CHANGES, /* it may be held still */
  message_of_more_set_headers = ENDS,
  message_of_more_headers = ENDS,
  message_of_more_enqueue_time = ENDS,
  message_of_cq_abort = ENDS
};
%}

%typemap(jni) cq_message * "jlongArray"
%typemap(jtype) cq_message * "long[]"
%typemap(jstype) cq_message * "long[]"
%typemap(javain) cq_message * "$javainput"
%typemap(in) cq_message *(cq_message value, jlong fields[6]) {
  if (message_of_$symname != FILLS)
    (*jenv)->GetLongArrayRegion(jenv, $input, 0, 6, fields);
  else
    memset(fields, 0, sizeof fields);
  value = (cq_message){sizeof value, (uint32_t)fields[0], (void *)(uintptr_t)fields[1], (size_t)fields[2],
                       (uint64_t)fields[3], {(uint64_t)fields[4], (uint64_t)fields[5]}};
  $1 = &value;
}
%typemap(argout) cq_message * {
  if (message_of_$symname != ENDS) {
    fields$argnum[0] = value$argnum.deliveries;
    fields$argnum[1] = (jlong)(uintptr_t)value$argnum.data;
    fields$argnum[2] = (jlong)value$argnum.size;
    fields$argnum[3] = (jlong)value$argnum.position;
    fields$argnum[4] = (jlong)value$argnum.token[0];
    fields$argnum[5] = (jlong)value$argnum.token[1];
    (*jenv)->SetLongArrayRegion(jenv, $input, 0, 6, fields$argnum);
  }
}

/* ---- structs that know their size, and free what they own ---------------------------------------------------- */

%define SIZED(TYPE)
%extend TYPE {
  TYPE() {
    TYPE *it = calloc(1, sizeof *it);
    if (it)
      it->struct_size = sizeof *it;
    return it;
  }
}
%immutable TYPE::struct_size;
%enddef
SIZED(cq_config)
SIZED(cq_stats)
SIZED(cq_recovery)
%extend cq_config {
  ~cq_config() {
    free((void *)(uintptr_t)$self->directory);
    free((void *)(uintptr_t)$self->durable_directory);
    free((void *)(uintptr_t)$self->dead_letter);
    free($self);
  }
}

/* What a visitor is shown is the library's, and nobody's to write. Its text is bytes, as all strings are. */
%nodefaultctor cq_participant;
%nodefaultdtor cq_participant;
%immutable cq_participant::command;
%typemap(jni) char command[ANY] "jbyteArray"
%typemap(jtype) char command[ANY] "byte[]"
%typemap(jstype) char command[ANY] "String"
%typemap(javaout) char command[ANY] { return Text.decode($jnicall); }
%typemap(out) char command[ANY] {
  jsize length = (jsize)strnlen($1, $1_dim0);
  $result = (*jenv)->NewByteArray(jenv, length);
  if ($result)
    (*jenv)->SetByteArrayRegion(jenv, $result, 0, length, (const jbyte *)$1);
}

%immutable cq_stats::id;
%typemap(jni) uint8_t id[ANY] "jbyteArray"
%typemap(jtype) uint8_t id[ANY] "byte[]"
%typemap(jstype) uint8_t id[ANY] "String"
%typemap(javaout) uint8_t id[ANY] { return java.util.HexFormat.of().formatHex($jnicall); }
%typemap(out) uint8_t id[ANY] {
  $result = (*jenv)->NewByteArray(jenv, $1_dim0);
  if ($result)
    (*jenv)->SetByteArrayRegion(jenv, $result, 0, $1_dim0, (const jbyte *)$1);
}

%apply char command[ANY] { char dead_letter[ANY] };
%immutable cq_stats::dead_letter;

/* ---- a visitor is an object ---------------------------------------------------------------------------------- */

%define VISITOR(TYPE, INTERFACE, SIGNATURE, VISIT)
%typemap(jni) (TYPE *visitor, void *context) "jobject"
%typemap(jtype) (TYPE *visitor, void *context) "INTERFACE"
%typemap(jstype) (TYPE *visitor, void *context) "INTERFACE"
%typemap(javain) (TYPE *visitor, void *context) "$javainput"
%typemap(in) (TYPE *visitor, void *context) (struct walker walker) {
  if (!walker_begin(&walker, jenv, $input, SIGNATURE))
    return $null;
  $1 = VISIT;
  $2 = &walker;
}
%enddef
VISITOR(cq_visitor, RawVisitor, "([BJI)Z", walker_visit_message)
VISITOR(cq_source_visitor, RawSourceVisitor, "([BJ)Z", walker_visit_source)
VISITOR(cq_participant_visitor, RawParticipantVisitor, "(J)Z", walker_visit_participant)

/* Java's byte arrays come by functions of their own, which know when an array may be pinned: heap.h; batches: batch.h. */
%ignore cq_message;
%ignore cq_slice;
/* What goes along with a message: more.h. */
%ignore cq_outgoing;
%ignore cq_enqueue_message;
%ignore cq_enqueue_from;
%ignore cq_enqueue_from_wait;
%ignore cq_header;
%ignore cq_headers;
%ignore cq_set_headers;
%ignore cq_header_add;
%ignore cq_header_next;
%ignore cq_header_find;
%ignore cq_enqueue_time;
%ignore cq_enqueue_batch;
%ignore cq_dequeue_batch;

/* Threads wait in Java, see Watcher.java. */
%ignore cq_enqueue_wait;
%ignore cq_dequeue_wait;
%ignore cq_take_wait;

%typemap(in, numinputs=0) JNIEnv *jenv "$1 = jenv;"
%define UNCHANGED(TYPE, JTYPE)
%typemap(jni) TYPE "TYPE"
%typemap(jtype) TYPE "JTYPE"
%typemap(jstype) TYPE "JTYPE"
%typemap(javain) TYPE "$javainput"
%typemap(javaout) TYPE { return $jnicall; }
%typemap(in) TYPE "$1 = $input;"
%typemap(out) TYPE "$result = $1;"
%enddef
UNCHANGED(jbyteArray, byte[])
UNCHANGED(jintArray, int[])
UNCHANGED(jlongArray, long[])
UNCHANGED(jobject, java.nio.ByteBuffer)

%{
#include <stdlib.h>
#include <string.h>
#include "batch.h"
#include "heap.h"
#include "more.h"
#include "view.h"
#include "walker.h"
%}
%include "outcome.h"
%include "batch.h"
%include "heap.h"
%include "more.h"
%include "view.h"
