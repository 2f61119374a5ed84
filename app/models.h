/*
 * Models: how much fits into one and what it costs.
 *
 * Facts come, each overriding those after it, from the config ([models."PROVIDER/MODEL"]), from
 * what the provider's own list says (app/model_list.h), and from the shipped table
 * (models_table.c, which names its date and its source). A server on this machine costs nothing
 * unless the config says otherwise. What nobody says stays unknown: never 0.
 *
 * Threads: pure, over the read-only config. Units: tokens; prices are millionths of a US dollar for
 * a million tokens (app/money.h).
 */
#ifndef WEIR_APP_MODELS_H
#define WEIR_APP_MODELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/config.h"
#include "app/money.h"
#include "store/stream_event.h"

/* Each may be MONEY_UNKNOWN. */
struct model_price {
    int64_t input, output;
    int64_t cache_read, cache_write; /* unknown: as input */
};

struct model_facts {
    int64_t context; /* tokens that fit; MONEY_UNKNOWN */
    struct model_price price;
    int64_t long_above;            /* more input than this is charged by `long_price`; 0: never */
    struct model_price long_price; /* for the whole request */
};

/* Nothing is known. */
struct model_facts model_facts_unknown(void);

/* From the config and the table. Never fails: what is not found is unknown. */
struct model_facts models_find(const struct config *config, const struct config_provider *provider,
                               const char *model);
/* The same with what the provider's list said (NULL: nothing) between config and table. */
struct model_facts models_find_listed(const struct config *config,
                                      const struct config_provider *provider, const char *model,
                                      const struct model_facts *listed);

/* The shipped table, for a provider that cannot be asked: the ids of the service that `provider`
 * is, ended by NULL. They live as long as the process; free() the array. */
const char **models_shipped(const struct config_provider *provider);
/* "November 2026": when the table was true. */
const char *models_table_date(void);

/*
 * What an answer cost. The provider's own word (usage->cost_micros) wins; else all of it has to be
 * known: input, output and a price for both. Tokens of the cache that were not reported are none.
 * Rounded up to a millionth. MONEY_UNKNOWN otherwise.
 */
int64_t model_cost(const struct model_facts *facts, const struct usage *usage);
/* The same event; where it carries usage, with the cost that model_cost gives. */
struct stream_event models_priced(const struct config *config,
                                  const struct config_provider *provider, const char *model,
                                  const struct stream_event *event);
/* What bytes of text amount to where nobody counted: an upper bound, a token for every three. */
int64_t model_tokens_of(size_t bytes);
/*
 * An estimate before the request, an upper bound: model_tokens_of its body, and `max_output` tokens
 * of answer. MONEY_UNKNOWN where a price is, or max_output is below 0.
 */
int64_t model_estimate(const struct model_facts *facts, size_t body_bytes, int64_t max_output);

#endif
