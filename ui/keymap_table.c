/*
 * Every action, its keys and its help. The order is the help page's.
 *
 * The keys of the editor are readline's; where a screen needs one of them (C-p, C-g), readline's
 * other key for the same stays.
 */
#include "ui/keymap.h"

static const struct key_action actions[] = {
    {ACTION_SEND, "send", {"Enter"}, "send the prompt"},
    {ACTION_NEW_LINE, "new_line", {"M-Enter", "S-Enter", "C-Enter", "C-j"}, "begin a new line"},
    {ACTION_CANCEL, "cancel", {"Esc"}, "close what is open, else stop the answer"},
    {ACTION_INTERRUPT, "interrupt", {"C-c"}, "clear the prompt, else stop; twice: leave"},
    {ACTION_PALETTE, "palette", {"C-p"}, "all commands, to choose from"},
    {ACTION_HELP, "help", {"F1"}, "this page"},
    {ACTION_COMPLETE, "complete", {"Tab"}, "complete a /command, an @file, a model"},
    {ACTION_SEARCH_OLDER, "search_older", {"C-r"}, "search in the prompts sent before"},
    {ACTION_SEARCH_NEWER, "search_newer", {"C-s"}, "go back in that search"},
    {ACTION_EDIT_OUTSIDE, "edit_outside", {"C-g", "C-x C-e"}, "write the prompt in $EDITOR"},
    {ACTION_UNFOLD_PASTE, "unfold_paste", {"M-o"}, "show the text of a folded paste"},
    {ACTION_SESSIONS, "sessions", {"C-x s"}, "choose a session"},
    {ACTION_FIND, "find", {"C-x /", "M-s"}, "search in this session"},
    {ACTION_SEARCH_ALL, "search_all", {"C-x g"}, "search in all sessions"},
    {ACTION_MODELS, "models", {"C-x m"}, "choose a model"},
    {ACTION_NEW_SESSION, "new_session", {"C-x n"}, "begin a new session"},
    {ACTION_COPY_ANSWER, "copy_answer", {"C-x c"}, "copy the last answer"},
    {ACTION_FOLD, "fold", {"C-o"}, "show what is folded whole, or fold it again"},
    {ACTION_SELECT, "select", {"M-Up", "C-x v"}, "choose a message: edit, ask again, or fork"},
    {ACTION_BRANCHES, "branches", {"C-x b"}, "the branches of this session"},
    {ACTION_PAGE_UP, "page_up", {"PgUp"}, "scroll back by a page (the wheel by rows)"},
    {ACTION_PAGE_DOWN, "page_down", {"PgDn"}, "scroll on by a page"},
    {ACTION_SCROLL_UP, "scroll_up", {"S-Up"}, "scroll back by a row"},
    {ACTION_SCROLL_DOWN, "scroll_down", {"S-Down"}, "scroll on by a row"},
    {ACTION_FOLLOW, "follow", {"C-End"}, "back to the end"},
    {ACTION_WHEEL, "wheel", {"C-x w"}, "the wheel scrolls here, or is the terminal's"},
    {ACTION_UP, "up", {"Up"}, "a row up; at the top: waiting or old prompts"},
    {ACTION_DOWN, "down", {"Down"}, "a row down; at the bottom: later prompts"},
    {ACTION_OLDER_PROMPT, "older_prompt", {"M-p"}, "the prompt before"},
    {ACTION_NEWER_PROMPT, "newer_prompt", {"M-n", "C-n"}, "the prompt after"},
    {ACTION_LEFT, "left", {"Left", "C-b"}, "a character to the left"},
    {ACTION_RIGHT, "right", {"Right", "C-f"}, "a character to the right"},
    {ACTION_WORD_LEFT, "word_left", {"M-b", "C-Left", "M-Left"}, "a word to the left"},
    {ACTION_WORD_RIGHT, "word_right", {"M-f", "C-Right", "M-Right"}, "a word to the right"},
    {ACTION_LINE_START, "line_start", {"C-a", "Home"}, "to the start of the line"},
    {ACTION_LINE_END, "line_end", {"C-e", "End"}, "to the end of the line"},
    {ACTION_TEXT_START, "text_start", {"M-<", "C-Home"}, "to the start of the prompt"},
    {ACTION_TEXT_END, "text_end", {"M->"}, "to the end of the prompt"},
    {ACTION_FIND_RIGHT, "find_right", {"C-]"}, "on to the character that is typed next"},
    {ACTION_FIND_LEFT, "find_left", {"C-M-]"}, "back to the character that is typed next"},
    {ACTION_DELETE_LEFT,
     "delete_left",
     {"Backspace", "S-Backspace", "C-h"},
     "delete the character to the left"},
    {ACTION_DELETE_RIGHT,
     "delete_right",
     {"Delete", "C-d"},
     "delete to the right; C-d with no text: leave"},
    {ACTION_DELETE_BLANKS, "delete_blanks", {"M-\\"}, "delete the blanks around"},
    {ACTION_KILL_LINE_END, "kill_line_end", {"C-k"}, "cut to the end of the line"},
    {ACTION_KILL_LINE_START,
     "kill_line_start",
     {"C-u", "C-x Backspace"},
     "cut to the start of the line"},
    {ACTION_KILL_BLANK_WORD, "kill_blank_word", {"C-w"}, "cut back to the blank before"},
    {ACTION_KILL_WORD_LEFT,
     "kill_word_left",
     {"M-Backspace", "C-Backspace", "C-M-h"},
     "cut the word to the left"},
    {ACTION_KILL_WORD_RIGHT,
     "kill_word_right",
     {"M-d", "C-Delete", "M-Delete"},
     "cut the word to the right"},
    {ACTION_YANK, "yank", {"C-y"}, "put in what was cut last"},
    {ACTION_YANK_POP, "yank_pop", {"M-y"}, "after that: what was cut before it"},
    {ACTION_LAST_WORD, "last_word", {"M-."}, "put in the last word of the prompt before"},
    {ACTION_TRANSPOSE_CHARS, "transpose_chars", {"C-t"}, "swap two characters"},
    {ACTION_TRANSPOSE_WORDS, "transpose_words", {"M-t"}, "swap two words"},
    {ACTION_UPPER, "upper", {"M-u"}, "write the word in capitals"},
    {ACTION_LOWER, "lower", {"M-l"}, "write the word small"},
    {ACTION_CAPITAL, "capital", {"M-c"}, "write the word with a capital"},
    {ACTION_INSERT_TAB, "insert_tab", {"M-Tab", "C-v Tab", "C-q Tab"}, "put in a tab"},
    {ACTION_UNDO, "undo", {"C-_", "C-/", "C--", "C-x C-u"}, "take the last change back"},
    {ACTION_REDO, "redo", {"M-/", "C-x C-r", "C-M-_"}, "and make it again"},
    {ACTION_REVERT, "revert", {"M-r"}, "take all changes back"},
    {ACTION_REPAINT, "repaint", {"C-l"}, "paint the screen again"},
    {ACTION_SUSPEND, "suspend", {"C-z"}, "stop until 'fg'"},
    {ACTION_LEAVE, "leave", {"C-x C-c"}, "leave (twice while an answer runs)"},
    {ACTION_REPLAY_PAUSE, "replay_pause", {"Space", "p"}, "pause what is played, and go on"},
    {ACTION_REPLAY_STEP, "replay_step", {".", "Right"}, "pause; then one piece more"},
    {ACTION_REPLAY_FASTER, "replay_faster", {"+", "="}, "twice as fast"},
    {ACTION_REPLAY_SLOWER, "replay_slower", {"-"}, "half as fast"},
    {ACTION_REPLAY_LEAVE, "replay_leave", {"q"}, "leave what is played"},
    {.name = NULL},
};

const struct key_action *key_actions(void)
{
    return actions;
}

const struct key_action *key_action_find(struct sv name)
{
    for (const struct key_action *action = actions; action->name; action++) {
        if (sv_equal_str(name, action->name)) {
            return action;
        }
    }
    return NULL;
}
