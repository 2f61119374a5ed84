/*
 * JSON Schema: is a JSON text what a schema says?
 *
 * Understood: type, enum, const, properties, patternProperties, additionalProperties,
 * propertyNames, required, minProperties, maxProperties, items, prefixItems, additionalItems,
 * contains, minItems, maxItems, uniqueItems, minimum, maximum, exclusiveMinimum, exclusiveMaximum,
 * multipleOf, minLength, maxLength, pattern, allOf, anyOf, oneOf, not, if, then, else, and $ref
 * within the document ("#", "#/$defs/name"). What is not known, such as format, holds for
 * everything; so does a pattern that POSIX extended expressions have not. Numbers are compared as
 * doubles.
 *
 * Threads: pure. Source: JSON Schema 2020-12, with items and additionalItems of draft 7 where items
 * is an array.
 */
#ifndef WEIR_APP_JSON_SCHEMA_H
#define WEIR_APP_JSON_SCHEMA_H

#include "base/attr.h"
#include "base/err.h"
#include "base/sv.h"

/* ERR_UNFIT: the text is no JSON, or not as the schema says; the error names the place ("at
 * /rivers/0/name: …"). ERR_INVALID: the schema is no JSON object. */
enum err_code json_schema_check(struct sv schema, struct sv text, struct err *err) NODISCARD;

#endif
