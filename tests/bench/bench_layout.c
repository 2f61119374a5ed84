/*
 * Laying out answers: one more piece at the end of a long one, inside a long block of code, list or
 * table; a new width; a burst of deltas drawn at 60 frames a second's worth of pieces. Medians.
 * Prints one line of JSON for each.
 */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "ui/transcript.h"

#define ANSWER_BYTES ((size_t)1 << 20)
#define PIECES 400
#define ROWS 50
#define COLUMNS 220
#define BURST 10000
#define BURST_PER_FRAME 40

static struct ulid id_of(char letter)
{
    struct ulid id;
    memset(id.text, letter, ULID_LENGTH);
    id.text[ULID_LENGTH] = '\0';
    return id;
}

static void add(struct transcript *transcript, size_t offset, struct sv text)
{
    struct piece piece = {.kind = PART_TEXT, .offset = offset, .text = text};
    struct message_update update = {
        .kind = UPDATE_CHANGED,
        .session = id_of('S'),
        .message = id_of('A'),
        .role = ROLE_ASSISTANT,
        .seq = 1,
        .usage = usage_unknown(),
        .pieces = &piece,
        .piece_count = 1,
    };
    (void)transcript_apply(transcript, &update, 1);
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static double median(int64_t *times, size_t count)
{
    qsort(times, count, sizeof(*times), compare);
    return (double)times[count / 2];
}

static void print(const char *name, const char *unit, double value)
{
    printf("{\"name\":\"%s\",\"value\":%.1f,\"unit\":\"%s\"}\n", name, value, unit);
}

static const char *line_of(const char *const *lines, size_t index)
{
    size_t count = 0;
    while (lines[count]) {
        count++;
    }
    return lines[index % count];
}

static struct buf answer_of(const char *head, const char *const *lines, size_t bytes)
{
    struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
    buf_append_str(&text, head);
    for (size_t i = 0; text.n < bytes; i++) {
        buf_append_str(&text, line_of(lines, i));
    }
    return text;
}

static struct transcript *open_transcript(struct sv answer)
{
    struct ulid session = id_of('S');
    struct transcript *transcript = transcript_new(NULL, NULL);
    transcript_reset(transcript, &session);
    transcript_set_size(transcript, ROWS, COLUMNS);
    add(transcript, 0, answer);
    return transcript;
}

/* One more piece: until the rows at the end are known, and until they are in the grid. */
static void measure_piece(const char *name, const char *head, const char *const *lines,
                          const char *piece)
{
    struct buf text = answer_of(head, lines, ANSWER_BYTES);
    struct transcript *transcript = open_transcript(buf_sv(&text));
    struct grid grid = {0};
    int64_t laid[PIECES];
    int64_t painted[PIECES];
    char label[80];
    grid_resize(&grid, ROWS, COLUMNS);
    transcript_paint(transcript, &grid, 0);
    for (size_t i = 0; i < PIECES; i++) {
        add(transcript, text.n, sv_from(piece));
        buf_append_str(&text, piece);
        int64_t began = clock_mono_us();
        transcript_set_more(transcript, true);
        (void)transcript_wants_older(transcript);
        laid[i] = clock_mono_us() - began;
        transcript_set_more(transcript, false);
        grid_clear(&grid);
        transcript_paint(transcript, &grid, 0);
        painted[i] = clock_mono_us() - began;
    }
    snprintf(label, sizeof(label), "layout_piece_%s", name);
    print(label, "us", median(laid, PIECES));
    snprintf(label, sizeof(label), "paint_piece_%s", name);
    print(label, "us", median(painted, PIECES));
    transcript_free(transcript);
    grid_release(&grid);
    buf_release(&text);
}

/* A new width: until what is in view is in the grid. */
static void measure_width(const char *const *lines)
{
    struct buf text = answer_of("", lines, ANSWER_BYTES);
    struct transcript *transcript = open_transcript(buf_sv(&text));
    struct grid grid = {0};
    int64_t times[21];
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        int columns = i % 2 ? COLUMNS : COLUMNS / 2;
        grid_resize(&grid, ROWS, columns);
        int64_t began = clock_mono_us();
        transcript_set_size(transcript, ROWS, columns);
        transcript_paint(transcript, &grid, 0);
        times[i] = clock_mono_us() - began;
    }
    print("rewrap_1mb", "us", median(times, sizeof(times) / sizeof(times[0])));
    transcript_free(transcript);
    int64_t began = clock_mono_us();
    transcript = open_transcript(buf_sv(&text));
    grid_resize(&grid, ROWS, COLUMNS);
    transcript_paint(transcript, &grid, 0);
    print("open_1mb", "us", (double)(clock_mono_us() - began));
    transcript_free(transcript);
    grid_release(&grid);
    buf_release(&text);
}

static void measure_burst(const char *const *lines)
{
    struct buf text = answer_of("", lines, (size_t)BURST * 5);
    struct transcript *transcript = open_transcript(SV(""));
    struct grid grid = {0};
    grid_resize(&grid, ROWS, COLUMNS);
    int64_t began = clock_mono_us();
    for (size_t i = 0; i < BURST; i++) {
        add(transcript, i * 5, sv_take(sv_skip(buf_sv(&text), i * 5), 5));
        if (i % BURST_PER_FRAME == 0) {
            grid_clear(&grid);
            transcript_paint(transcript, &grid, 0);
        }
    }
    print("burst_10000_deltas", "ms", (double)(clock_mono_us() - began) / 1000);
    transcript_free(transcript);
    grid_release(&grid);
    buf_release(&text);
}

int main(void)
{
    static const char *const prose[] = {
        "## A heading\n\n",
        "Some words of an *answer* with `code` and **more** of it, as it is usual, up to the end "
        "of "
        "a paragraph that takes some rows on the screen and says nothing in particular.\n\n",
        "- an item\n- another **one**\n\n",
        "```c\nint x = 1; /* a comment */\nreturn x;\n```\n\n",
        "| a | b |\n|---|---|\n| 1 | `2` |\n| 3 | 4 |\n\n",
        NULL,
    };
    static const char *const code[] = {"    for (int i = 0; i < count; i++) { /* all */\n",
                                       "        printf(\"%d\\n\", value[i]);\n", "    }\n", "\n",
                                       NULL};
    static const char *const list[] = {"- an item with **some** words and `code`\n",
                                       "  - one inside it\n", NULL};
    static const char *const table[] = {"| a cell | **another** | `third` | 4 |\n", NULL};
    static const char *const words[] = {"word ", "**bold** ", "and `code` ", NULL};
    setlocale(LC_CTYPE, "C.UTF-8");
    measure_piece("answer", "", prose, " word");
    measure_piece("code", "```c\n", code, " word");
    measure_piece("code_line", "```c\n", code, "x = 1;\n");
    measure_piece("list", "", list, " word");
    measure_piece("list_item", "", list, "- item\n");
    measure_piece("table", "|a|b|c|d|\n|-|-|-|-|\n", table, "| x");
    measure_piece("table_row", "|a|b|c|d|\n|-|-|-|-|\n", table, "| x | y | z | 1 |\n");
    measure_piece("paragraph", "", words, " word");
    measure_width(prose);
    measure_burst(prose);
    return 0;
}
