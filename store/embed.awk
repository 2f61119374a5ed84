# Turns store/migrations/NNNN_name.sql, given in order, into a C table of string literals.
# Versions must be 1, 2, 3 … without a gap, since user_version counts them.

function fail(text)
{
    print FILENAME ": " text >"/dev/stderr"
    failed = 1
    exit 1
}

BEGIN {
    print "/* Made from store/migrations by store/embed.awk; changes here are lost. */"
    print "static const struct {"
    print "    int version;"
    print "    const char *name;"
    print "    const char *sql;"
    print "} migrations[] = {"
}

FNR == 1 {
    base = FILENAME
    sub(/^.*\//, "", base)
    if (base !~ /^[0-9][0-9][0-9][0-9]_[a-z0-9_]+\.sql$/)
        fail("a migration is named NNNN_name.sql")
    if (substr(base, 1, 4) + 0 != ++version)
        fail("version " version " is expected here")
    if (version > 1)
        print "\n    },"
    printf "    {%d, \"%s\",", version, substr(base, 6, length(base) - 9)
}

# A question mark is escaped too: two of them could start a trigraph.
{
    gsub(/\\/, "&&")
    gsub(/"/, "\\\"")
    gsub(/\?/, "\\?")
    gsub(/\r/, "\\r")
    printf "\n     \"%s\\n\"", $0
}

END {
    if (failed)
        exit 1
    if (!version) {
        print "store/migrations holds no migration" >"/dev/stderr"
        exit 1
    }
    print "\n    },\n};"
}
