/* Tables of key sequences: which final byte or number is which key. */
#include "ui/input_internal.h"

struct final_key {
    char final;
    enum input_key key;
    uint32_t cp;
    unsigned modifiers;
};

/* CSI, with or without modifiers as second parameter. The lower case ones are rxvt's. */
static const struct final_key csi_finals[] = {
    {'A', INPUT_UP, 0, 0},
    {'B', INPUT_DOWN, 0, 0},
    {'C', INPUT_RIGHT, 0, 0},
    {'D', INPUT_LEFT, 0, 0},
    {'F', INPUT_END, 0, 0},
    {'H', INPUT_HOME, 0, 0},
    {'P', INPUT_FUNCTION, 1, 0},
    {'Q', INPUT_FUNCTION, 2, 0},
    {'S', INPUT_FUNCTION, 4, 0},
    {'Z', INPUT_TAB, 0, INPUT_SHIFT},
    {'I', INPUT_FOCUS_IN, 0, 0},
    {'O', INPUT_FOCUS_OUT, 0, 0},
    {'a', INPUT_UP, 0, INPUT_SHIFT},
    {'b', INPUT_DOWN, 0, INPUT_SHIFT},
    {'c', INPUT_RIGHT, 0, INPUT_SHIFT},
    {'d', INPUT_LEFT, 0, INPUT_SHIFT},
};

static const struct final_key ss3_finals[] = {
    {'A', INPUT_UP, 0, 0},
    {'B', INPUT_DOWN, 0, 0},
    {'C', INPUT_RIGHT, 0, 0},
    {'D', INPUT_LEFT, 0, 0},
    {'F', INPUT_END, 0, 0},
    {'H', INPUT_HOME, 0, 0},
    {'M', INPUT_ENTER, 0, 0},
    {'P', INPUT_FUNCTION, 1, 0},
    {'Q', INPUT_FUNCTION, 2, 0},
    {'R', INPUT_FUNCTION, 3, 0},
    {'S', INPUT_FUNCTION, 4, 0},
    {'a', INPUT_UP, 0, INPUT_CTRL},
    {'b', INPUT_DOWN, 0, INPUT_CTRL},
    {'c', INPUT_RIGHT, 0, INPUT_CTRL},
    {'d', INPUT_LEFT, 0, INPUT_CTRL},
};

struct number_key {
    uint32_t number;
    enum input_key key;
    uint32_t cp;
};

/* CSI number ~ */
static const struct number_key tilde_keys[] = {
    {1, INPUT_HOME, 0},       {2, INPUT_INSERT, 0},     {3, INPUT_DELETE, 0},
    {4, INPUT_END, 0},        {5, INPUT_PAGE_UP, 0},    {6, INPUT_PAGE_DOWN, 0},
    {7, INPUT_HOME, 0},       {8, INPUT_END, 0},        {11, INPUT_FUNCTION, 1},
    {12, INPUT_FUNCTION, 2},  {13, INPUT_FUNCTION, 3},  {14, INPUT_FUNCTION, 4},
    {15, INPUT_FUNCTION, 5},  {17, INPUT_FUNCTION, 6},  {18, INPUT_FUNCTION, 7},
    {19, INPUT_FUNCTION, 8},  {20, INPUT_FUNCTION, 9},  {21, INPUT_FUNCTION, 10},
    {23, INPUT_FUNCTION, 11}, {24, INPUT_FUNCTION, 12},
};

/* Codes of CSI u that are no character; the five-digit ones are kitty's keypad. */
static const struct number_key code_keys[] = {
    {9, INPUT_TAB, 0},        {13, INPUT_ENTER, 0},      {27, INPUT_ESCAPE, 0},
    {8, INPUT_BACKSPACE, 0},  {127, INPUT_BACKSPACE, 0}, {57414, INPUT_ENTER, 0},
    {57417, INPUT_LEFT, 0},   {57418, INPUT_RIGHT, 0},   {57419, INPUT_UP, 0},
    {57420, INPUT_DOWN, 0},   {57421, INPUT_PAGE_UP, 0}, {57422, INPUT_PAGE_DOWN, 0},
    {57423, INPUT_HOME, 0},   {57424, INPUT_END, 0},     {57425, INPUT_INSERT, 0},
    {57426, INPUT_DELETE, 0},
};

static const struct final_key *find_final(const struct final_key *keys, size_t count, char final)
{
    for (size_t i = 0; i < count; i++) {
        if (keys[i].final == final) {
            return &keys[i];
        }
    }
    return NULL;
}

static const struct number_key *find_number(const struct number_key *keys, size_t count,
                                            uint32_t number)
{
    for (size_t i = 0; i < count; i++) {
        if (keys[i].number == number) {
            return &keys[i];
        }
    }
    return NULL;
}

/* Decimal, saturating; stops at the first other byte. Gives the bytes read. */
static size_t read_number(struct sv body, uint32_t *ret_number)
{
    size_t at = 0;
    *ret_number = 0;
    for (; at < body.n && body.p[at] >= '0' && body.p[at] <= '9'; at++) {
        if (*ret_number < 100000000) {
            *ret_number = *ret_number * 10 + (uint32_t)(body.p[at] - '0');
        }
    }
    return at;
}

void sequence__parse(struct sv body, char final, struct sequence *ret_sequence)
{
    *ret_sequence = (struct sequence){.final = final};
    if (body.n && body.p[0] >= '<' && body.p[0] <= '?') {
        ret_sequence->prefix = body.p[0];
        body = sv_skip(body, 1);
    }
    bool sub = false;
    while (body.n) {
        uint32_t number;
        body = sv_skip(body, read_number(body, &number));
        unsigned at = ret_sequence->count;
        if (!sub && at < SEQUENCE_PARAMETERS) {
            ret_sequence->parameters[at] = number;
        } else if (sub && at == 1 && ret_sequence->event_type == 0) {
            ret_sequence->event_type = number;
        }
        if (body.n == 0) {
            break;
        }
        char byte = body.p[0];
        body = sv_skip(body, 1);
        sub = byte == ':';
        ret_sequence->count += byte == ';';
        if (byte >= ' ' && byte <= '/') {
            ret_sequence->intermediate = byte;
        }
    }
    ret_sequence->count++;
}

/* The second parameter counts from 1; Caps Lock and Num Lock do not matter. */
static unsigned modifiers_of(uint32_t parameter)
{
    return parameter > 1 ? (parameter - 1) & 15u : 0;
}

/* rxvt puts the modifiers into the final byte. */
static bool rxvt_key(const struct sequence *sequence, struct input_event *ret_event)
{
    char final = sequence->final;
    const struct number_key *found =
        find_number(tilde_keys, COUNT_OF(tilde_keys), sequence->parameters[0]);
    if (!found) {
        return false;
    }
    unsigned modifiers = final == '^' ? INPUT_CTRL : INPUT_CTRL | INPUT_SHIFT;
    *ret_event = (struct input_event){
        .key = found->key,
        .cp = found->cp,
        .modifiers = final == '$' ? INPUT_SHIFT : modifiers,
    };
    return true;
}

static bool is_letter(uint32_t cp)
{
    return cp >= 'a' && cp <= 'z';
}

/* What the three keys with Ctrl are in the old encoding; users know them as these. */
static uint32_t old_meaning(uint32_t code, unsigned modifiers)
{
    if (modifiers != INPUT_CTRL) {
        return code;
    }
    return code == '[' ? 27 : code == 'm' ? 13 : code == 'i' ? 9 : code;
}

/* A code point with modifiers, as CSI u and modifyOtherKeys give it. */
static bool code_key(uint32_t code, unsigned modifiers, struct input_event *ret_event)
{
    uint32_t meant = old_meaning(code, modifiers);
    modifiers = meant == code ? modifiers : 0;
    code = meant;
    const struct number_key *found = find_number(code_keys, COUNT_OF(code_keys), code);
    if (found) {
        *ret_event = (struct input_event){.key = found->key, .modifiers = modifiers};
        return true;
    }
    if (code >= 57399 && code <= 57408) {
        code = '0' + (code - 57399); /* the keypad's digits */
    }
    bool private_use = code >= 0xE000 && code <= 0xF8FF;
    if (code < 0x20 || (code >= 0x80 && code < 0xA0) || private_use || code > 0x10FFFF) {
        return false;
    }
    if (modifiers & (INPUT_ALT | INPUT_CTRL)) {
        code = code >= 'A' && code <= 'Z' ? code + 32 : code;
    } else if ((modifiers & INPUT_SHIFT) && is_letter(code)) {
        code -= 32;
    }
    *ret_event = (struct input_event){.key = INPUT_CHAR, .cp = code, .modifiers = modifiers};
    return true;
}

static bool tilde_key(const struct sequence *sequence, struct input_event *ret_event)
{
    if (sequence->parameters[0] == 27 && sequence->count == 3) {
        return code_key(sequence->parameters[2], modifiers_of(sequence->parameters[1]), ret_event);
    }
    const struct number_key *found =
        find_number(tilde_keys, COUNT_OF(tilde_keys), sequence->parameters[0]);
    if (!found) {
        return false;
    }
    *ret_event = (struct input_event){
        .key = found->key,
        .cp = found->cp,
        .modifiers = modifiers_of(sequence->parameters[1]),
    };
    return true;
}

bool sequence__csi_key(const struct sequence *sequence, struct input_event *ret_event)
{
    if (sequence->prefix || sequence->event_type == 3 || sequence->count > 3) {
        return false;
    }
    switch (sequence->final) {
    case 'u':
        return sequence->intermediate == 0 &&
               code_key(sequence->parameters[0], modifiers_of(sequence->parameters[1]), ret_event);
    case '~':
        return sequence->intermediate == 0 && tilde_key(sequence, ret_event);
    case '^':
    case '@':
    case '$':
        return rxvt_key(sequence, ret_event);
    default:
        break;
    }
    const struct final_key *found = find_final(csi_finals, COUNT_OF(csi_finals), sequence->final);
    bool focus = sequence->final == 'I' || sequence->final == 'O';
    if (!found || sequence->intermediate || sequence->count > 2 ||
        (focus && sequence->parameters[0])) {
        return false;
    }
    *ret_event = (struct input_event){
        .key = found->key,
        .cp = found->cp,
        .modifiers = found->modifiers | modifiers_of(sequence->parameters[1]),
    };
    return true;
}

bool sequence__ss3_key(char final, struct input_event *ret_event)
{
    const struct final_key *found = find_final(ss3_finals, COUNT_OF(ss3_finals), final);
    if (!found) {
        return false;
    }
    *ret_event = (struct input_event){
        .key = found->key,
        .cp = found->cp,
        .modifiers = found->modifiers,
    };
    return true;
}

void sequence__control_key(unsigned char byte, struct input_event *ret_event)
{
    *ret_event = (struct input_event){.key = INPUT_CHAR, .modifiers = INPUT_CTRL};
    switch (byte) {
    case '\r':
        *ret_event = (struct input_event){.key = INPUT_ENTER};
        break;
    case '\t':
        *ret_event = (struct input_event){.key = INPUT_TAB};
        break;
    case 0x7F:
        *ret_event = (struct input_event){.key = INPUT_BACKSPACE};
        break;
    case 0:
        ret_event->cp = ' ';
        break;
    default:
        ret_event->cp = (byte <= 26 ? 0x60u : 0x40u) + byte;
        break;
    }
}
