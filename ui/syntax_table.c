/* The languages. To add one is to add an entry. */
#include "base/attr.h"
#include "ui/syntax_internal.h"

#define C_COMMENTS .line_comments = "//", .comment_open = "/*", .comment_close = "*/"
#define JS_WORDS                                                                                   \
    "async await break case catch class const continue debugger default delete do else export "    \
    "extends finally for from function get if import in instanceof let new of return set static "  \
    "super switch this throw try typeof var void while with yield"

const struct syntax_language syntax__languages[] = {
    {
        .names = "c h",
        .keywords = "auto break case const constexpr continue default do else enum extern for goto "
                    "if inline register restrict return sizeof static struct switch typedef typeof "
                    "union volatile while _Atomic _Generic _Noreturn _Static_assert _Thread_local",
        .types = "bool char double float int long short signed unsigned void size_t ssize_t "
                 "ptrdiff_t int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t "
                 "intptr_t uintptr_t FILE NULL true false nullptr",
        C_COMMENTS,
        .quotes = "\"'",
        .habits = SYNTAX_DIRECTIVES,
    },
    {
        .names = "cpp c++ cc cxx hpp hh",
        .keywords =
            "alignas alignof asm auto break case catch class co_await co_return co_yield concept "
            "const const_cast consteval constexpr constinit continue decltype default delete do "
            "dynamic_cast else enum explicit export extern final for friend goto if inline mutable "
            "namespace new noexcept operator override private protected public reinterpret_cast "
            "requires return sizeof static static_assert static_cast struct switch template this "
            "thread_local throw try typedef typeid typename union using virtual volatile while",
        .types = "bool char char8_t char16_t char32_t double float int long short signed unsigned "
                 "void wchar_t size_t string string_view vector map set std nullptr true false "
                 "int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t NULL",
        C_COMMENTS,
        .quotes = "\"'",
        .habits = SYNTAX_DIRECTIVES,
    },
    {
        .names = "python py python3 pycon",
        .keywords = "and as assert async await break case class continue def del elif else except "
                    "finally for from global if import in is lambda match nonlocal not or pass "
                    "raise return try while with yield",
        .types = "None True False self cls int float str bytes bool list dict set tuple object "
                 "Exception",
        .line_comments = "#",
        .quotes = "\"'",
        .long_strings = {{"\"\"\"", "\"\"\""}, {"'''", "'''"}},
        .habits = SYNTAX_DECORATORS,
    },
    {
        .names = "javascript js jsx mjs cjs node",
        .keywords = JS_WORDS,
        .types = "null undefined true false NaN Infinity Array Object String Number Boolean Map "
                 "Set Promise Error Date Math JSON console",
        C_COMMENTS,
        .quotes = "\"'",
        .long_strings = {{"`", "`"}},
        .habits = SYNTAX_DECORATORS,
    },
    {
        .names = "typescript ts tsx",
        .keywords =
            JS_WORDS " abstract as asserts declare enum implements infer interface is keyof "
                     "namespace override private protected public readonly satisfies type",
        .types = "any bigint boolean never null number object string symbol undefined unknown true "
                 "false Array Map Set Promise Record Partial Readonly Error Date console",
        C_COMMENTS,
        .quotes = "\"'",
        .long_strings = {{"`", "`"}},
        .habits = SYNTAX_DECORATORS,
    },
    {
        .names = "java",
        .keywords =
            "abstract assert break case catch class continue default do else enum extends final "
            "finally for if implements import instanceof interface native new package permits "
            "private protected public record return sealed static super switch synchronized this "
            "throw throws transient try var volatile while yield",
        .types = "boolean byte char double float int long short void String Object Integer Long "
                 "Double Boolean List Map Set Optional null true false",
        C_COMMENTS,
        .quotes = "\"'",
        .long_strings = {{"\"\"\"", "\"\"\""}},
        .habits = SYNTAX_DECORATORS,
    },
    {
        .names = "go golang",
        .keywords = "break case chan const continue default defer else fallthrough for func go "
                    "goto if import interface map package range return select struct switch type "
                    "var",
        .types = "any bool byte comparable complex64 complex128 error float32 float64 int int8 "
                 "int16 int32 int64 rune string uint uint8 uint16 uint32 uint64 uintptr nil true "
                 "false iota append cap close copy delete len make new panic print println recover",
        C_COMMENTS,
        .quotes = "\"'",
        .long_strings = {{"`", "`"}},
        .habits = 0,
    },
    {
        .names = "rust rs",
        .keywords = "as async await break const continue crate dyn else enum extern fn for if impl "
                    "in let loop match mod move mut pub ref return self static struct super trait "
                    "type union unsafe use where while",
        .types = "bool char f32 f64 i8 i16 i32 i64 i128 isize str u8 u16 u32 u64 u128 usize Self "
                 "String Vec Option Some None Result Ok Err Box Rc Arc HashMap true false",
        C_COMMENTS,
        .quotes = "\"'",
        .habits = SYNTAX_LIFETIMES,
    },
    {
        .names = "sh bash shell zsh fish console shell-session terminal",
        .keywords = "if then elif else fi for in do done while until case esac function select "
                    "time return exit break continue local export readonly declare set unset shift "
                    "trap source eval exec alias",
        .types = "echo printf cd ls cp mv rm mkdir cat grep sed awk find sort sudo curl git make "
                 "read test true false",
        .line_comments = "#",
        .quotes = "'",
        .long_strings = {{"\"", "\""}},
        .habits = SYNTAX_VARIABLES | SYNTAX_DASHES,
    },
    {
        .names = "sql mysql postgresql postgres plsql sqlite",
        .keywords =
            "add all alter analyze and any as asc begin between by cascade case check column "
            "commit constraint create cross cte database default delete desc distinct drop else "
            "end except exists explain foreign from full function grant group having if ilike in "
            "index inner insert intersect into is join key lateral left like limit not null "
            "offset on or order outer over partition primary procedure references returning right "
            "rollback select set table then transaction trigger truncate union unique update "
            "using values view when where window with",
        .types = "bigint blob boolean char date decimal double float int integer interval json "
                 "jsonb numeric real serial smallint text time timestamp uuid varchar true false "
                 "avg count coalesce max min now sum",
        .line_comments = "--",
        .comment_open = "/*",
        .comment_close = "*/",
        .quotes = "'\"`",
        .habits = SYNTAX_NO_CASE | SYNTAX_NO_ESCAPES,
    },
    {
        .names = "json jsonc json5 jsonl",
        .types = "true false null",
        C_COMMENTS,
        .quotes = "\"'",
        .habits = SYNTAX_QUOTED_KEYS,
    },
    {
        .names = "yaml yml",
        .types = "true false null yes no on off",
        .line_comments = "#",
        .quotes = "\"'",
        .habits = SYNTAX_KEYS | SYNTAX_DASHES | SYNTAX_QUOTED_KEYS,
    },
    {
        .names = "toml ini conf cfg properties dotenv env",
        .types = "true false",
        .line_comments = "# ;",
        .quotes = "\"'",
        .long_strings = {{"\"\"\"", "\"\"\""}, {"'''", "'''"}},
        .habits = SYNTAX_KEYS | SYNTAX_DASHES,
    },
    {
        .names = "html xml svg xhtml vue svelte",
        .comment_open = "<!--",
        .comment_close = "-->",
        .habits = SYNTAX_TAGS | SYNTAX_DASHES,
    },
    {
        .names = "css scss sass less",
        .keywords = "important media import supports keyframes font-face",
        .types = "auto none inherit initial unset block inline flex grid absolute relative fixed "
                 "sticky solid bold center px em rem vh vw var calc rgb rgba",
        C_COMMENTS,
        .quotes = "\"'",
        .habits = SYNTAX_KEYS | SYNTAX_DASHES | SYNTAX_VARIABLES,
    },
    {
        .names = "csharp cs c#",
        .keywords =
            "abstract as async await base break case catch checked class const continue default "
            "delegate do else enum event explicit extern finally fixed for foreach get goto if "
            "implicit in init interface internal is lock nameof namespace new operator out "
            "override params private protected public readonly record ref required return sealed "
            "set sizeof stackalloc static struct switch this throw try typeof unsafe using var "
            "virtual void volatile when where while with yield",
        .types = "bool byte char decimal double dynamic float int long object sbyte short string "
                 "uint ulong ushort Task List Dictionary Console null true false",
        C_COMMENTS,
        .quotes = "\"'",
        .long_strings = {{"\"\"\"", "\"\"\""}},
        .habits = SYNTAX_DIRECTIVES,
    },
    {
        .names = "php",
        .keywords =
            "abstract and array as break case catch class clone const continue declare default do "
            "echo else elseif empty enum extends final finally fn for foreach function global goto "
            "if implements include instanceof interface isset list match namespace new or print "
            "private protected public readonly require require_once return static switch throw "
            "trait try unset use var while xor yield",
        .types = "bool callable float int iterable mixed never null object self string void true "
                 "false",
        .line_comments = "// #",
        .comment_open = "/*",
        .comment_close = "*/",
        .quotes = "\"'",
        .habits = SYNTAX_VARIABLES,
    },
    {
        .names = "ruby rb",
        .keywords =
            "alias and attr_accessor attr_reader begin break case class def defined do else elsif "
            "end ensure extend for if in include module next not or private protected public raise "
            "redo rescue require require_relative retry return self super then undef unless until "
            "when while yield",
        .types = "nil true false Array Hash Integer Float String Symbol puts print",
        .line_comments = "#",
        .quotes = "\"'`",
        .long_strings = {{"=begin", "=end"}},
        .habits = SYNTAX_VARIABLES,
    },
    {
        .names = "swift",
        .keywords =
            "actor as associatedtype async await break case catch class continue default defer do "
            "else enum extension fallthrough fileprivate final for func guard if import in init "
            "inout internal is lazy let mutating nonisolated open operator override private "
            "protocol public repeat rethrows return self some static struct subscript super switch "
            "throw throws try typealias unowned var weak where while",
        .types = "Any Array Bool Character Dictionary Double Float Int Optional Self Set String "
                 "Void nil true false",
        C_COMMENTS,
        .quotes = "\"",
        .long_strings = {{"\"\"\"", "\"\"\""}},
        .habits = SYNTAX_DECORATORS,
    },
    {
        .names = "kotlin kt kts",
        .keywords =
            "abstract annotation as break by catch class companion const constructor continue "
            "crossinline data do else enum external final finally for fun if import in infix init "
            "inline inner interface internal is lateinit noinline object open operator out "
            "override package private protected public reified return sealed super suspend "
            "tailrec this throw try typealias val var vararg when where while",
        .types = "Any Array Boolean Byte Char Double Float Int List Long Map Nothing Set Short "
                 "String Unit null true false",
        C_COMMENTS,
        .quotes = "\"'",
        .long_strings = {{"\"\"\"", "\"\"\""}},
        .habits = SYNTAX_DECORATORS,
    },
    {
        .names = "scala",
        .keywords =
            "abstract case catch class def do else enum export extends final finally for forSome "
            "given if implicit import lazy match new object override package private protected "
            "return sealed super then this throw trait try type using val var while with yield",
        .types = "Any Array Boolean Byte Char Double Float Int List Long Map None Nothing Option "
                 "Seq Set Short Some String Unit null true false",
        C_COMMENTS,
        .quotes = "\"",
        .long_strings = {{"\"\"\"", "\"\"\""}},
        .habits = SYNTAX_DECORATORS | SYNTAX_LIFETIMES,
    },
    {
        .names = "lua",
        .keywords = "and break do else elseif end for function goto if in local not or repeat "
                    "return then until while",
        .types = "nil true false self print pairs ipairs require string table math",
        .line_comments = "--",
        .comment_open = "--[[",
        .comment_close = "]]",
        .quotes = "\"'",
        .long_strings = {{"[[", "]]"}},
        .habits = 0,
    },
    {
        .names = "perl pl pm",
        .keywords = "and bless cmp default die do each else elsif eq for foreach ge given gt if "
                    "keys last le local lt my ne next no not or our package redo ref require "
                    "return say shift sub undef unless until use values wantarray warn when while",
        .types = "print printf push pop split join map grep sort open close chomp scalar",
        .line_comments = "#",
        .quotes = "\"'`",
        .habits = SYNTAX_VARIABLES,
    },
    {
        .names = "r",
        .keywords = "break else for function if in next repeat return while library require",
        .types = "TRUE FALSE NULL NA NaN Inf c data.frame list matrix vector factor",
        .line_comments = "#",
        .quotes = "\"'`",
        .habits = 0,
    },
    {
        .names = "haskell hs",
        .keywords = "case class data default deriving do else family forall foreign if import in "
                    "infix infixl infixr instance let module newtype of qualified then type where",
        .types = "Bool Char Double Either Float IO Int Integer Just Left Maybe Nothing Right "
                 "String True False",
        .line_comments = "--",
        .comment_open = "{-",
        .comment_close = "-}",
        .quotes = "\"",
        .habits = 0,
    },
    {
        .names = "dockerfile docker containerfile",
        .keywords = "add arg as cmd copy entrypoint env expose from healthcheck label onbuild run "
                    "shell stopsignal user volume workdir",
        .line_comments = "#",
        .quotes = "\"'",
        .habits = SYNTAX_NO_CASE | SYNTAX_VARIABLES | SYNTAX_DASHES,
    },
    {
        .names = "makefile make mk cmake",
        .keywords = "ifeq ifneq ifdef ifndef else endif include define endef export override "
                    "if elseif foreach endforeach function endfunction set project",
        .line_comments = "#",
        .quotes = "\"'",
        .habits = SYNTAX_VARIABLES | SYNTAX_KEYS | SYNTAX_DASHES,
    },
    {
        .names = "powershell ps1 pwsh",
        .keywords = "begin break catch class continue data do dynamicparam else elseif end enum "
                    "exit filter finally for foreach from function if in param process return "
                    "switch throw trap try until using while",
        .line_comments = "#",
        .comment_open = "<#",
        .comment_close = "#>",
        .quotes = "\"'",
        .habits = SYNTAX_NO_CASE | SYNTAX_NO_ESCAPES | SYNTAX_VARIABLES | SYNTAX_DASHES,
    },
    {
        .names = "diff patch",
        .habits = SYNTAX_CHANGES,
    },
};

const size_t syntax__language_count = COUNT_OF(syntax__languages);
