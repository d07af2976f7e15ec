/*
 * Which sanitizers this test is built with, whatever the compiler: CQTEST_SANITIZED for any, CQTEST_THREAD_SANITIZED.
 */
#pragma once

#ifdef __has_feature
#define CQTEST_HAS(feature) __has_feature(feature)
#else
#define CQTEST_HAS(feature) 0
#endif

#if defined(__SANITIZE_THREAD__) || CQTEST_HAS(thread_sanitizer)
#define CQTEST_THREAD_SANITIZED 1
#endif
#if defined(CQTEST_THREAD_SANITIZED) || defined(__SANITIZE_ADDRESS__) || CQTEST_HAS(address_sanitizer)
#define CQTEST_SANITIZED 1
#endif
