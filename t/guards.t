#!/usr/bin/perl
# Each guard passes on a small sound house, fails on a planted violation, and
# fails when it finds nothing to check.
use strict;
use warnings;
use File::Basename qw(dirname);
use File::Path qw(make_path remove_tree);
use File::Spec;
use File::Temp qw(tempdir);
use Test::More;

my $root = File::Spec->rel2abs(dirname(__FILE__) . '/..');
my $scratch = tempdir(CLEANUP => 1);

sub house {
    remove_tree("$scratch/h");
    my %files = @_;
    for my $name (keys %files) {
        my $path = "$scratch/h/$name";
        make_path(dirname($path));
        open my $out, '>', $path or die "$path: $!";
        print $out $files{$name};
        close $out;
    }
    make_path("$scratch/h");
    return "$scratch/h";
}
sub verdict {
    my ($guard, $where) = @_;
    my $said = `'$root/scripts/$guard' '$where' 2>&1`;
    return ($? == 0 ? 1 : 0, $said);
}
sub passes { my ($guard, $what, @files) = @_; my ($good, $said) = verdict($guard, house(@files)); ok($good, "$guard: $what passes") or diag $said }
sub refuses {
    my ($guard, $what, $words, @files) = @_;
    my ($good, $said) = verdict($guard, house(@files));
    ok(!$good, "$guard: $what is refused");
    like($said, $words, "$guard: and named");
}

# floors and rights
my %sound = ('mod_signvn/base/buf.c' => "#include <apr_pools.h>\n#include \"base/buf.h\"\n", 'mod_signvn/base/buf.h' => "/* words: system() */\n",
    'mod_signvn/look/pki/cert.c' => "#include \"base/buf.h\"\n#include <openssl/x509.h>\n");
passes('check-layers', 'a sound house', %sound);
my @plants = (
    [ 'a higher floor', 'mod_signvn/base/low.c', "#include \"look/pki/cert.h\"\n", qr/floor 0/ ],
    [ 'the other wing', 'mod_signvn/look/pki/x.c', "#include \"office/audit/audit.h\"\n", qr/look\/pki/ ],
    [ 'a clock in look', 'mod_signvn/look/pki/x.c', "#include \"base/clock.h\"\n", qr/clock/ ],
    [ 'a face taking too much', 'mod_signvn/httpd/x.c', "#include \"office/audit/audit.h\"\n", qr/httpd may not/ ],
    [ 'APR in dtbs', 'mod_signvn/dtbs/x.c', "#include <apr_pools.h>\n", qr/APR/ ],
    [ 'the network outside its rooms', 'mod_signvn/office/archive/x.c', "#include <curl/curl.h>\n", qr/network/ ],
    [ 'a forbidden call', 'mod_signvn/base/x.c', "void f(char *a) { strcpy(a, \"x\"); }\n", qr/forbidden/ ],
    [ 'unfinished work', 'mod_signvn/base/x.c', "/* TO" . "DO later */\n", qr/unfinished/ ],
    [ 'one stem in two rooms', 'mod_signvn/crypto/buf.c', "#include \"base/buf.h\"\n", qr/stem buf/ ],
    [ 'a room of its own', 'mod_signvn/misc/x.c', "int x;\n", qr/no room/ ],
    [ 'a file without end', 'mod_signvn/base/x.c', "int x;\n" x 601, qr/ceiling/ ],
);
refuses('check-layers', $_->[0], $_->[3], %sound, $_->[1] => $_->[2]) for @plants;
refuses('check-layers', 'an empty house', qr/found no/, 'README' => 'x');

# messages
my $row = 'CODE(INTERNAL, "internal", 100, 500, "Hệ thống gặp lỗi. Hãy thử lại.", "An error. Try again.")';
my $codes = "/* ---- 100 ground */\n$row\n";
my %codes = ('mod_signvn/base/codes.def' => $codes, 'mod_signvn/base/findings.def' => '', 't/a.t' => '"internal"');
passes('check-codes', 'a sound list', %codes);
my @texts = (
    [ 'a text without Vietnamese letters', qr/Vietnamese letters/, $row =~ s/Hệ thống gặp lỗi\. Hãy thử lại/He thong gap loi. Hay thu lai/r ],
    [ 'a text that does not say what to do', qr/what to do/, $row =~ s/ Hãy thử lại\.//r ],
    [ 'a number outside its section', qr/outside section/, $row =~ s/100,/250,/r ],
    [ 'a row that cannot be read', qr/not readable/, 'CODE(INTERNAL, oops)' ],
    [ 'a name used twice', qr/used before/, "$row\n" . $row =~ s/INTERNAL/OTHER/r ],
);
refuses('check-codes', $_->[0], $_->[1], %codes, 'mod_signvn/base/codes.def' => "/* ---- 100 ground */\n$_->[2]\n") for @texts;
refuses('check-codes', 'a code without a test', qr/no test produces internal/, %codes, 't/a.t' => 'nothing');
refuses('check-codes', 'a debt that is no code', qr/ghost is no code/, %codes, 't/untested.list' => "ghost\n");
passes('check-codes', 'a code that owes its test', %codes, 't/a.t' => 'nothing', 't/untested.list' => "internal  why\n");
refuses('check-codes', 'an empty list', qr/found no row/, %codes, 'mod_signvn/base/codes.def' => '');

# directives
my $directive = 'SERVER(SignVNWorkers, NUMBER, "2", "Số tiến trình.", "Workers.")';
my %conf = ('mod_signvn/base/directives.def' => "$directive\n", 'conf/signvn.conf' => "# Workers at once.\n#SignVNWorkers 2\n");
passes('check-directives', 'a sound file', %conf);
refuses('check-directives', 'a directive without paragraph', qr/SignVNUser/, %conf,
    'mod_signvn/base/directives.def' => "$directive\n" . $directive =~ s/SignVNWorkers/SignVNUser/r . "\n");
refuses('check-directives', 'a paragraph without directive', qr/SignVNGhost/, %conf, 'conf/signvn.conf' => "# Workers.\n#SignVNWorkers 2\n\n# Ghost.\n#SignVNGhost 1\n");
refuses('check-directives', 'a line without words', qr/no paragraph/, %conf, 'conf/signvn.conf' => "SignVNWorkers 2\n");
refuses('check-directives', 'an empty table', qr/found no directive/, %conf, 'mod_signvn/base/directives.def' => '');

# plugs
my %plug = ('mod_signvn/agent/key_x.c' => "const sgn_key_t sgn_key_x = { 0 };\n", 'mod_signvn/agent/key.c' => "static const void *rows[] = { &sgn_key_x };\n",
    't/unit/test_key_x.c' => '');
passes('check-plugs', 'a sound plug', %plug);
refuses('check-plugs', 'a plug without row', qr/no row/, %plug, 'mod_signvn/agent/key.c' => '');
refuses('check-plugs', 'a plug without record', qr/record/, %plug, 'mod_signvn/agent/key_x.c' => '');
refuses('check-plugs', 'a plug without test', qr/no test/, map { $_ => $plug{$_} } grep { !/test/ } keys %plug);
refuses('check-plugs', 'a house without plugs', qr/found no plug/, 'README' => 'x');

# what a run leaves behind
sub left { my ($where) = @_; my $said = `'$root/scripts/leftovers' '$where' 0 2>&1`; return ($? == 0, $said) }
{
    my ($good, $said) = left(house());
    ok($good, 'leftovers: an empty directory passes') or diag $said;
    ($good, $said) = left(house('forgotten/x' => ''));
    ok(!$good, 'leftovers: a directory is refused');
    like($said, qr{h/forgotten}, 'leftovers: and named');
    my $place = house();
    my $pid = fork // die;
    if (!$pid) { $ENV{TMPDIR} = $place; open STDERR, '>', '/dev/null'; exec 'sleep', 60 }
    ($good, $said) = left($place);
    ok(!$good, 'leftovers: a process is refused');
    like($said, qr{pid $pid \(sleep 60\)}, 'leftovers: and named');
    kill 'TERM', $pid;
    waitpid $pid, 0;
    ($good, $said) = left("$scratch/nowhere");
    ok(!$good, 'leftovers: no directory is refused');
}

# links: small libraries stand for the programs
SKIP: {
    skip 'no compiler', 7 if system('cc --version > /dev/null 2>&1') != 0;
    my $sound = '#include <stdio.h>' . "\n" . '#include <stdlib.h>' . "\n" . '#include <string.h>' . "\n"
        . 'extern void *d2i_X509(void); extern void *qpdf_init(void);' . "\n"
        . 'int signvn_module; static int f(char **v) { puts(v[0]); return (int)strtol(v[1], 0, 10) + rand() + printf("%s", getenv(v[2])) + (int)strlen(v[3]) + remove(v[4]); }' . "\n";
    my $build = sub {
        my ($name, $more) = @_;
        make_path("$scratch/b/.libs");
        open my $out, '>', "$scratch/b/x.c" or die;
        print $out $sound, $more;
        close $out;
        system('cc', '-shared', '-fPIC', '-w', '-o', "$scratch/b/.libs/$name", "$scratch/b/x.c") == 0 or die;
    };
    my $static = 'void *keep(void) { return (void *)f; }';
    my $hidden = "__attribute__((visibility(\"hidden\"))) $static";
    my $all = sub {
        $build->($_, $hidden) for qw(mod_signvn.so signvnd signvn signvn-agent);
        $build->('signvn-worker', "$hidden void *g(void) { return qpdf_init(); }");
    };
    $all->();
    my ($good, $said) = verdict('check-links', "$scratch/b");
    ok($good, 'check-links: sound programs pass') or diag $said;
    $build->('signvnd', "$hidden void *g(void) { return d2i_X509(); }");
    ($good, $said) = verdict('check-links', "$scratch/b");
    ok(!$good, 'check-links: a parser in the keeper is refused');
    like($said, qr/signvnd imports d2i_X509/, 'check-links: and named');
    $all->();
    $build->('mod_signvn.so', "$hidden int leaked;");
    ($good, $said) = verdict('check-links', "$scratch/b");
    ok(!$good, 'check-links: a second visible symbol of the module is refused');
    like($said, qr/shows .*leaked/, 'check-links: and named');
    ($good, $said) = verdict('check-links', house('README' => 'x'));
    ok(!$good, 'check-links: an empty build is refused');
    like($said, qr/no program to check/, 'check-links: and says so');
}
done_testing();
