/* Colours of code: golden lines for each language, states between lines, every byte kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ui/syntax.h"

#include <cmocka.h>

/* One letter for each style. */
static char letter_of(unsigned style)
{
    static const char letters[STYLE_COUNT] = {
        [STYLE_BLOCK] = '.',         [STYLE_BLOCK_KEYWORD] = 'k', [STYLE_BLOCK_TYPE] = 't',
        [STYLE_BLOCK_NAME] = 'n',    [STYLE_BLOCK_STRING] = 's',  [STYLE_BLOCK_NUMBER] = '0',
        [STYLE_BLOCK_COMMENT] = 'c', [STYLE_BLOCK_ADDED] = '+',   [STYLE_BLOCK_REMOVED] = '-',
    };
    return letters[style];
}

/* The styles of all lines, a letter for each byte; the text itself must come out unchanged. */
static char *styles_of(const char *language, const char *text)
{
    struct buf out = BUF_INIT(100000);
    struct sv rest = sv_from(text);
    struct sv line;
    unsigned state = SYNTAX_START;
    while (sv_next_line(&rest, &line)) {
        struct styled styled;
        styled_init(&styled, 10000);
        unsigned skimmed = syntax_line(syntax_find(sv_from(language)), state, line, NULL);
        state = syntax_line(syntax_find(sv_from(language)), state, line, &styled);
        assert_int_equal(state, skimmed);
        assert_true(sv_equal(buf_sv(&styled.text), line));
        for (size_t i = 0, run = 0; i < line.n; i++) {
            run += styled.runs[run].end <= i;
            buf_append_byte(&out, letter_of(styled.runs[run].style));
        }
        buf_append_byte(&out, rest.n ? '\n' : '\0');
        styled_release(&styled);
    }
    return buf_detach(&out);
}

static const struct {
    const char *language;
    const char *text;
    const char *styles;
} golden[] = {
    {"c", "int f(void) { return 0x1F; } // x", "ttt.n.tttt....kkkkkk.0000....cccc"},
    {"c", "#include <x.h>\n/* a\nb */ \"s\\\"t\" 'c'", "kkkkkkkk......\ncccc\ncccc.ssssss.sss"},
    {"cpp", "auto s = std::string{\"x\"};", "kkkk.....ttt..tttttt.sss.."},
    {"python", "@dec\ndef f(x): # c", "nnnn\nkkk.n.....ccc"},
    {"py", "x = \"\"\"a\nb\"\"\" + 'c'", "....ssss\nssss...sss"},
    {"javascript", "const a = `x\n${y}` // z", "kkkkk.....ss\nsssss.cccc"},
    {"ts", "let x: string = null", "kkk....tttttt...tttt"},
    {"java", "public class A { int x = 1; }", "kkkkkk.kkkkk.....ttt.....0..."},
    {"go", "func main() { x := nil }", "kkkk.nnnn..........ttt.."},
    {"rust", "fn f<'a>(s: &'a str) -> char { 'x' }", "kk...tt......tt.ttt.....tttt...sss.."},
    {"sh", "for i in $x; do echo \"$i\" # c", "kkk...kk.nn..kk.tttt.ssss.ccc"},
    {"bash", "a=${x} 'y'", "..nnnn.sss"},
    {"sql", "SELECT a FROM t WHERE b = 'it' -- c", "kkkkkk...kkkk...kkkkk.....ssss.cccc"},
    {"json", "{\"a\": [1, true, \"b\"]}", ".nnn...0..tttt..sss.."},
    {"yaml", "key: value # c", "nnn........ccc"},
    {"toml", "a-b = \"x\"", "nnn...sss"},
    {"html", "<a href=\"x\">t</a><!-- c -->", "kk.nnnn.sssk.kkkkcccccccccc"},
    {"css", "color: #fff; /* c */", "nnnnn........ccccccc"},
    {"csharp", "using X; string s;", "kkkkk....tttttt..."},
    {"php", "echo $x; // c", "kkkk.nn..cccc"},
    {"ruby", "def f; @x = nil; end", "kkk....nn...ttt..kkk"},
    {"swift", "let x: Int = 1", "kkk....ttt...0"},
    {"kotlin", "val x = \"a\"", "kkk.....sss"},
    {"scala", "def f = true", "kkk.....tttt"},
    {"lua", "local x = [[a\nb]] -- c", "kkkkk.....sss\nsss.cccc"},
    {"perl", "my $x = 1;", "kk.nn...0."},
    {"r", "x <- TRUE # c", ".....tttt.ccc"},
    {"haskell", "main = do -- c", ".......kk.cccc"},
    {"dockerfile", "FROM x\nRUN y", "kkkk..\nkkk.."},
    {"makefile", "all: x # c", "nnn....ccc"},
    {"powershell", "if ($x) {} # c", "kk..nn.....ccc"},
    {"diff", "+a\n-b\n@@\n c", "++\n--\nkk\n.."},
    {"nosuch", "if x", "...."},
};

static void lines__are_coloured_by_their_language(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(golden) / sizeof(golden[0]); i++) {
        char *styles = styles_of(golden[i].language, golden[i].text);
        assert_string_equal(styles, golden[i].styles);
        free(styles);
    }
}

static void languages__are_found_by_any_of_their_names(void **state)
{
    (void)state;
    assert_ptr_equal(syntax_find(SV("C++")), syntax_find(SV("cpp")));
    assert_ptr_equal(syntax_find(SV(" JS title=x")), syntax_find(SV("javascript")));
    assert_ptr_equal(syntax_find(SV("rust,ignore")), syntax_find(SV("rs")));
    assert_null(syntax_find(SV("")));
    assert_null(syntax_find(SV("klingon")));
    assert_true(syntax_count() >= 20);
    assert_string_equal(syntax_name(0), "c h");
}

/* Every language reads every byte, in every state, and keeps all of them. */
static void any_bytes__come_out_as_they_went_in(void **state)
{
    (void)state;
    unsigned seed = 3;
    for (size_t language = 0; language < syntax_count(); language++) {
        unsigned at = SYNTAX_START;
        for (int round = 0; round < 300; round++) {
            char line[24];
            static const char marks[] = "\"'`#/*-<>!@${}[]=:+\\ \tax1_.\xC3\x80\0(";
            size_t n = seed / 65536u % sizeof(line);
            for (size_t i = 0; i < n; i++) {
                seed = seed * 1103515245u + 12345u;
                line[i] = marks[seed / 65536u % (sizeof(marks) - 1)];
            }
            struct styled styled;
            styled_init(&styled, 1000);
            at = syntax_line(syntax_find(sv_from(syntax_name(language))), at, sv_of(line, n),
                             &styled);
            assert_true(sv_equal(buf_sv(&styled.text), sv_of(line, n)));
            styled_release(&styled);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines__are_coloured_by_their_language),
        cmocka_unit_test(languages__are_found_by_any_of_their_names),
        cmocka_unit_test(any_bytes__come_out_as_they_went_in),
    };
    alarm(60);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
