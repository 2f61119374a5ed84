/*
 * The decoder: a state for each kind of sequence, one byte at a time.
 *
 * A byte that cannot belong to the sequence it stands in ends that sequence and is read again as if
 * it stood alone; so a broken sequence costs at most itself. Text is handed over in runs; a code
 * point that is cut waits in `partial`.
 */
#include "ui/input.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "ui/input_internal.h"

#define BODY_MAX 64u
#define ESC 0x1B
#define ESC_PATIENCE CLOCK_MS(25)
#define SEQUENCE_PATIENCE CLOCK_MS(500)

enum state {
    GROUND,
    PARTIAL, /* inside a code point */
    ESCAPE,
    CSI,
    CSI_LINUX, /* "CSI [" of the Linux console: one more byte */
    CSI_MOUSE, /* "CSI M": three more bytes */
    SS3,
    STRING, /* OSC, DCS, APC, PM, SOS; `body` is what begins it and some of what follows */
    STRING_ESCAPE,
    PASTE,
};

static const char paste_end[] = "\033[201~";
#define PASTE_END_N (sizeof(paste_end) - 1)

struct input {
    enum state state;
    bool alt; /* ESC ESC: what follows has Alt */
    char partial[4];
    unsigned partial_n;
    char body[BODY_MAX];
    unsigned body_n; /* BODY_MAX + 1: too long to matter */
    unsigned left;   /* bytes of a mouse report */
    struct buf paste;
    unsigned end_n; /* bytes of paste_end that were seen */
    bool paste_cr;
    input_handler *handler;
    void *ctx;
};

struct input *input_new(void)
{
    struct input *input = xcalloc(1, sizeof(*input));
    buf_init(&input->paste, INPUT_PASTE_MAX);
    return input;
}

void input_free(struct input *input)
{
    if (input) {
        buf_release(&input->paste);
        free(input);
    }
}

void input_reset(struct input *input)
{
    buf_release(&input->paste);
    *input = (struct input){
        .paste = BUF_INIT(INPUT_PASTE_MAX),
        .handler = input->handler, /* it may be the handler that calls */
        .ctx = input->ctx,
    };
}

static void emit(struct input *input, const struct input_event *event)
{
    input->handler(input->ctx, event);
}

static void emit_key(struct input *input, enum input_key key, unsigned modifiers)
{
    emit(input, &(struct input_event){.key = key, .modifiers = modifiers});
}

/* A character without Ctrl or Alt is text, however it was sent. */
static void emit_decoded(struct input *input, struct input_event *event, bool alt)
{
    char text[4];
    event->modifiers |= alt ? INPUT_ALT : 0;
    bool plain = !(event->modifiers & (INPUT_ALT | INPUT_CTRL | INPUT_SUPER));
    if (event->key == INPUT_CHAR && plain) {
        event->key = INPUT_TEXT;
        event->modifiers = 0;
        event->text = sv_of(text, utf8_encode(event->cp, text));
    }
    emit(input, event);
}

static void emit_text(struct input *input, const char *bytes, size_t length)
{
    if (length) {
        emit(input, &(struct input_event){.key = INPUT_TEXT, .text = sv_of(bytes, length)});
    }
}

/* A code point outside ASCII; C1 controls are no text. */
static void emit_code_point(struct input *input, const char *bytes, size_t length)
{
    uint32_t cp;
    char text[4];
    utf8_decode(bytes, length, &cp);
    if (cp >= 0x80 && cp < 0xA0) {
        return;
    }
    size_t n = utf8_encode(cp, text);
    if (input->alt) {
        input->alt = false;
        emit(input, &(struct input_event){.key = INPUT_CHAR, .cp = cp, .modifiers = INPUT_ALT});
        return;
    }
    emit_text(input, text, n);
}

/* True: the byte was used. */
static bool partial_byte(struct input *input, unsigned char byte)
{
    input->partial[input->partial_n] = (char)byte;
    unsigned n = input->partial_n + 1;
    if (utf8_partial_tail(input->partial, n) == n) {
        input->partial_n = n;
        input->state = PARTIAL;
        return true;
    }
    uint32_t cp;
    size_t used = utf8_decode(input->partial, n, &cp);
    input->state = GROUND;
    input->partial_n = 0;
    emit_code_point(input, input->partial, used);
    input->alt = false;
    return used == n;
}

static bool ground_byte(struct input *input, unsigned char byte)
{
    if (byte == ESC) {
        input->state = ESCAPE;
    } else if (byte >= 0x80) {
        input->partial_n = 0;
        return partial_byte(input, byte);
    } else if (byte < 0x20 || byte == 0x7F) {
        struct input_event event;
        sequence__control_key(byte, &event);
        emit_decoded(input, &event, false);
    } else {
        char text = (char)byte;
        emit_text(input, &text, 1);
    }
    return true;
}

static void begin(struct input *input, enum state state)
{
    input->state = state;
    input->body_n = 0;
}

/* Nobody binds Alt with these: Esc and then Ctrl-C, pressed in one go, are what they seem. */
static bool is_key_of_its_own(unsigned char byte)
{
    return byte < 0x20 && byte != '\b' && byte != '\t' && byte != '\n' && byte != '\r';
}

/* ESC and a byte that begins no sequence: that key with Alt, or two keys. */
static void escape_key(struct input *input, unsigned char byte)
{
    struct input_event event = {.key = INPUT_CHAR, .cp = byte};
    input->state = GROUND;
    if (input->alt) {
        input->alt = false;
        emit_key(input, INPUT_ESCAPE, 0);
    }
    if (byte < 0x20 || byte == 0x7F) {
        sequence__control_key(byte, &event);
    }
    bool two = is_key_of_its_own(byte);
    if (two) {
        emit_key(input, INPUT_ESCAPE, 0);
    }
    emit_decoded(input, &event, !two);
}

static void keep_byte(struct input *input, unsigned char byte)
{
    if (input->body_n < BODY_MAX) {
        input->body[input->body_n] = (char)byte;
    }
    input->body_n += input->body_n <= BODY_MAX;
}

static bool escape_byte(struct input *input, unsigned char byte)
{
    switch (byte) {
    case ESC:
        if (input->alt) {
            emit_key(input, INPUT_ESCAPE, 0);
        }
        input->alt = true;
        break;
    case '[':
        begin(input, CSI);
        break;
    case 'O':
        begin(input, SS3);
        break;
    case ']':
    case 'P':
    case 'X':
    case '^':
    case '_':
        begin(input, STRING);
        keep_byte(input, byte);
        break;
    default:
        if (byte < 0x80) {
            escape_key(input, byte);
            break;
        }
        if (input->alt) {
            emit_key(input, INPUT_ESCAPE, 0);
        }
        input->alt = true;
        input->partial_n = 0;
        return partial_byte(input, byte);
    }
    return true;
}

/* Back to the ground; gives whether Alt was held. */
static bool end_sequence(struct input *input)
{
    bool alt = input->alt;
    input->alt = false;
    input->state = GROUND;
    return alt;
}

static void begin_paste(struct input *input)
{
    input->state = PASTE;
    input->end_n = 0;
    input->paste_cr = false;
    buf_clear(&input->paste);
}

static void finish_csi(struct input *input, char final)
{
    struct sequence sequence;
    struct input_event event;
    bool alt = end_sequence(input);
    if (input->body_n > BODY_MAX) {
        return;
    }
    sequence__parse(sv_of(input->body, input->body_n), final, &sequence);
    if (final == 'y' && sequence.prefix == '?' && sequence.intermediate == '$') {
        char text[BODY_MAX + 2];
        memcpy(text + 1, input->body, input->body_n);
        text[0] = '[';
        text[input->body_n + 1] = final;
        emit(input, &(struct input_event){.key = INPUT_REPORT,
                                          .text = sv_of(text, (size_t)input->body_n + 2)});
        return;
    }
    bool tilde = final == '~' && !sequence.prefix && !sequence.intermediate;
    if (tilde && sequence.parameters[0] == 200 && sequence.count == 1) {
        begin_paste(input);
    } else if (sequence__csi_key(&sequence, &event)) {
        emit_decoded(input, &event, alt);
    }
}

static bool csi_byte(struct input *input, unsigned char byte)
{
    if (byte < 0x20 || byte >= 0x7F) {
        end_sequence(input);
        return false;
    }
    /* A '$' ends a sequence of rxvt, but begins the end of a report: those have a prefix. */
    bool rxvt = byte == '$' && input->body_n && input->body_n <= 2 && input->body[0] <= '9' &&
                input->body[0] >= '1';
    if (byte < 0x40 && !rxvt) {
        keep_byte(input, byte);
        return true;
    }
    if (byte == '[' && input->body_n == 0) {
        input->state = CSI_LINUX;
    } else if (byte == 'M' && input->body_n == 0) {
        input->state = CSI_MOUSE;
        input->left = 3;
    } else {
        finish_csi(input, (char)byte);
    }
    return true;
}

static bool linux_byte(struct input *input, unsigned char byte)
{
    bool alt = end_sequence(input);
    if (byte < 0x20 || byte >= 0x7F) {
        return false;
    }
    if (byte >= 'A' && byte <= 'E') {
        struct input_event event = {.key = INPUT_FUNCTION, .cp = byte - 'A' + 1u};
        emit_decoded(input, &event, alt);
    }
    return true;
}

static bool mouse_byte(struct input *input, unsigned char byte)
{
    if (byte < 0x20) {
        end_sequence(input);
        return false;
    }
    if (--input->left == 0) {
        end_sequence(input);
    }
    return true;
}

static bool ss3_byte(struct input *input, unsigned char byte)
{
    struct input_event event;
    if (byte >= '0' && byte <= '9' && input->body_n < BODY_MAX) {
        input->body[input->body_n++] = (char)byte; /* modifiers, as some old terminals send them */
        return true;
    }
    bool alt = end_sequence(input);
    if (byte < 0x20 || byte >= 0x7F) {
        return false;
    }
    if (sequence__ss3_key((char)byte, &event)) {
        unsigned digit = input->body_n == 1 ? (unsigned)(input->body[0] - '1') : 0;
        event.modifiers |= digit & 15u;
        emit_decoded(input, &event, alt);
    }
    return true;
}

/* Answers that were asked for; printable, as they have to be. */
static void emit_report(struct input *input)
{
    struct sv text = sv_of(input->body, input->body_n);
    if (input->body_n <= BODY_MAX && sv_starts_with(text, SV("]11;")) &&
        utf8_valid_prefix(text.p, text.n) == text.n) {
        emit(input, &(struct input_event){.key = INPUT_REPORT, .text = text});
    }
}

static bool string_byte(struct input *input, unsigned char byte)
{
    if (input->state == STRING_ESCAPE && byte != '\\') {
        end_sequence(input);
        input->state = ESCAPE; /* that ESC begins something else */
        return false;
    }
    bool cancels = byte == 0x18 || byte == 0x1A;
    if (input->state == STRING_ESCAPE || byte == 0x07 || cancels) {
        end_sequence(input);
        if (!cancels) {
            emit_report(input);
        }
    } else if (byte == ESC) {
        input->state = STRING_ESCAPE;
    } else {
        keep_byte(input, byte);
    }
    return true;
}

/* Takes C1 controls out of valid text, in place. */
static struct sv without_c1(char *bytes, size_t length)
{
    size_t kept = 0;
    for (size_t at = 0; at < length; at++) {
        if ((unsigned char)bytes[at] == 0xC2 && (unsigned char)bytes[at + 1] < 0xA0) {
            at++;
            continue;
        }
        bytes[kept++] = bytes[at];
    }
    return sv_of(bytes, kept);
}

static void finish_paste(struct input *input)
{
    bool cut = !buf_ok(&input->paste);
    struct buf valid = BUF_INIT(INPUT_PASTE_MAX);
    cut = !utf8_append_valid(&valid, buf_sv(&input->paste)) || cut;
    struct sv text = without_c1(valid.p, valid.n);
    input->state = GROUND;
    emit(input, &(struct input_event){.key = INPUT_PASTE, .text = text, .cut = cut});
    buf_release(&valid);
    buf_release(&input->paste);
}

/* One byte of the content: CR and CR LF become a newline, other control bytes are left out. */
static void paste_content(struct input *input, unsigned char byte)
{
    bool after_cr = input->paste_cr;
    input->paste_cr = byte == '\r';
    if (byte == '\r' || (byte == '\n' && !after_cr)) {
        buf_append_byte(&input->paste, '\n');
    } else if (byte == '\t' || (byte >= 0x20 && byte != 0x7F)) {
        buf_append_byte(&input->paste, (char)byte);
    }
}

static void paste_byte(struct input *input, unsigned char byte)
{
    if (byte == (unsigned char)paste_end[input->end_n]) {
        if (++input->end_n == PASTE_END_N) {
            finish_paste(input);
        }
        return;
    }
    /* Not the end: what looked like it is content, without its ESC. */
    for (unsigned i = 0; i < input->end_n; i++) {
        paste_content(input, (unsigned char)paste_end[i]);
    }
    input->end_n = byte == ESC;
    if (byte != ESC) {
        paste_content(input, byte);
    }
}

static bool feed_byte(struct input *input, unsigned char byte)
{
    switch (input->state) {
    case GROUND:
        return ground_byte(input, byte);
    case PARTIAL:
        return partial_byte(input, byte);
    case ESCAPE:
        return escape_byte(input, byte);
    case CSI:
        return csi_byte(input, byte);
    case CSI_LINUX:
        return linux_byte(input, byte);
    case CSI_MOUSE:
        return mouse_byte(input, byte);
    case SS3:
        return ss3_byte(input, byte);
    case STRING:
    case STRING_ESCAPE:
        return string_byte(input, byte);
    case PASTE:
        paste_byte(input, byte);
        return true;
    }
    return true;
}

/* Runs of what needs no thought: text on the ground, content of a paste. Gives the bytes used. */
static size_t feed_run(struct input *input, const char *bytes, size_t length)
{
    size_t n = 0;
    bool in_paste = input->state == PASTE && input->end_n == 0;
    if (input->state != GROUND && !in_paste) {
        return 0;
    }
    while (n < length && (unsigned char)bytes[n] >= 0x20 && (unsigned char)bytes[n] != 0x7F &&
           (in_paste || (unsigned char)bytes[n] < 0x80)) {
        n++;
    }
    if (in_paste && n) {
        input->paste_cr = false;
        if (!buf_append(&input->paste, bytes, n)) {
            return n;
        }
    } else {
        emit_text(input, bytes, n);
    }
    return n;
}

void input_feed(struct input *input, const char *bytes, size_t length, input_handler *handler,
                void *ctx)
{
    input->handler = handler;
    input->ctx = ctx;
    for (size_t at = 0; at < length;) {
        at += feed_run(input, bytes + at, length - at);
        if (at < length && feed_byte(input, (unsigned char)bytes[at])) {
            at++;
        }
    }
}

int64_t input_patience(const struct input *input)
{
    switch (input->state) {
    case GROUND:
    case PASTE:
        return -1;
    case ESCAPE:
        return ESC_PATIENCE;
    default:
        return SEQUENCE_PATIENCE;
    }
}

/* "ESC [" and the like, and nothing more: that was Alt with the character. */
static void timeout_introducer(struct input *input)
{
    static const char introducers[] = {[CSI] = '[', [SS3] = 'O'};
    struct input_event event = {.key = INPUT_CHAR, .cp = (unsigned char)introducers[input->state]};
    bool alone = input->body_n == 0;
    end_sequence(input);
    if (alone) {
        emit_decoded(input, &event, true);
    }
}

void input_timeout(struct input *input, input_handler *handler, void *ctx)
{
    input->handler = handler;
    input->ctx = ctx;
    switch (input->state) {
    case GROUND:
    case PASTE:
        return;
    case ESCAPE:
        if (end_sequence(input)) {
            emit_key(input, INPUT_ESCAPE, 0);
        }
        emit_key(input, INPUT_ESCAPE, 0);
        return;
    case CSI:
    case SS3:
        timeout_introducer(input);
        return;
    case PARTIAL:
        end_sequence(input);
        emit_text(input, "\xEF\xBF\xBD", 3);
        return;
    default:
        end_sequence(input);
        return;
    }
}
