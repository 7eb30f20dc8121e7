/* Text in XML 1.0. */
#ifndef BENCH_XML_H
#define BENCH_XML_H

#include <stdio.h>

/* The text between tags or in quotes, whatever its bytes: what XML cannot hold, a control character
 * or what is no UTF-8, becomes U+FFFD. */
void xml_text(FILE *out, const char *text);

/* format as it is, but each %s in it is the next of the texts, as xml_text writes it; NULL ends
 * them. Nothing else in format is a directive. */
void xml_format(FILE *out, const char *format, ...) __attribute__((sentinel));

#endif
