/*
 * Input families: each is a row of a table with a generator and a claim. The claim says, from
 * the row's enclosure, that the inputs reach the region the family exists for; a family whose
 * claim holds for no row is a failed check, so that a test cannot pass on harmless inputs. A
 * family may also change a row of the class prior before it is stored.
 */
#ifndef VERIFY_FAMILIES_H
#define VERIFY_FAMILIES_H

#include "dkl.h"
#include "enclose.h"

#include <stdint.h>

enum { FAMILY_PARAMETERS = 2, FAMILY_PATH = 256 };

typedef struct family family;

/* A family with its parameters' values: "near:s=0.0001". */
typedef struct family_choice {
    const family *family;
    double parameter[FAMILY_PARAMETERS];
    char path[FAMILY_PATH]; /* the folder of a family that reads files */
} family_choice;

/* One row in double, before it is rounded to the type. */
typedef struct family_row {
    double *m, *n;
    size_t classes;
    dkl_type type;
    uint64_t random; /* state of the generator */
} family_row;

struct family {
    const char *name, *summary;
    struct {
        const char *key;
        double value;               /* default */
    } parameter[FAMILY_PARAMETERS]; /* the first is the `scale` of records */
    uint32_t special;               /* DKL_SPECIAL_* bits that the inputs need, whatever the loss */
    void (*fill)(family_row *row, const double *parameter); /* NULL: the family reads files */
    int (*claim)(const enclosure *e, const double *parameter, dkl_type type);
    void (*prior)(double *row, size_t classes, const double *parameter); /* NULL: as drawn */
};

size_t family_count(void);
const family *family_at(size_t index);

/* Parses "NAME[:key=value]...". 0, or -1 with a line in message. */
int family_parse(family_choice *choice, const char *text, char *message, size_t size);
int family_print(char *text, size_t size, const family_choice *choice);

/* The parameter that records call scale; NAN for a family that has none. */
double family_scale(const family_choice *choice);

/* Fills row `row` of a batch of this type; rows do not depend on each other. scratch holds
 * 2 x classes doubles. */
void family_fill_row(const family_choice *choice, uint64_t seed, size_t row, dkl_type type,
                     size_t classes, void *teacher, void *student, double *scratch);

#endif
