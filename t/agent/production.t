#!/usr/bin/perl
# B33: what a production build of the desk does not do, whatever it is told.
use strict;
use warnings;
use utf8;
use File::Basename qw(dirname);
use lib dirname(__FILE__);
use Desk;
use Test::More;
binmode Test::More->builder->$_, ':encoding(UTF-8)' for qw(output failure_output);

plan skip_all => 'softhsm2 or opensc is not installed' unless Desk::module() && -x '/usr/bin/pkcs11-tool';
my $desk = Desk->new;
my $source = "$Desk::root/mod_signvn";
my $built = system('cc', '-std=gnu11', '-D_GNU_SOURCE', '-DSGN_VERSION="0"', '-O0', "-I$source", split(' ', `pkg-config --cflags p11-kit-1 libcurl libcrypto`),
    '-o', "$desk->{dir}/agent", glob("$source/agent/*.c"), glob("$source/dtbs/*.c"), split(' ', `pkg-config --libs libcurl libcrypto`), '-ldl');
is($built, 0, 'the desk is built for production');
$ENV{SGN_AGENT} = "$desk->{dir}/agent";
unlike(`$ENV{SGN_AGENT} --version`, qr/practice/, 'and says so');
is($desk->agent(20, 'tokens', '--module', $desk->{module}), 1, 'B33: a software token is no token');
like($desk->{err}, qr/software token/, 'B33: and the log says why');
is($desk->enroll, 0, 'it enrols') or diag $desk->{err};
SKIP: {
    skip 'only root can give a file away', 2 if $> != 0;
    chown 65534, 65534, "$desk->{dir}/confirm";
    is($desk->work, 1, 'B33: a confirm program that is not the administrator\'s is not run');
    like($desk->{err}, qr/agent\.program/, 'B33: and named');
}

# A token that does not say what it is, so that the confirm program's turn comes.
my $fault = "$desk->{dir}/fault.so";
system('cc', '-shared', '-fPIC', '-o', $fault, "$Desk::root/t/fake/pkcs11.c", split(' ', `pkg-config --cflags p11-kit-1`), '-ldl') == 0 or die 'cc';
chmod 0755, $fault;
@ENV{qw(SGN_FAULT_MODULE SGN_FAULT)} = ($desk->{module}, 'anonymous');
$desk->{use_module} = $fault;
SKIP: {
    skip 'a production build wants programs of the administrator', 6 if $> != 0;
    $desk->again;
    chown 0, 0, "$desk->{dir}/confirm", "$desk->{dir}/pinentry";
    $desk->add_document;
    is($desk->work, 1, 'B33: a confirm program that nobody looks at is refused');
    is($desk->{rejected}{error}, 'confirm.not-interactive', 'B33: and named') or diag $desk->{err};
    is($desk->asked, 0, 'B33: before any password');
    is($desk->display->{matchCode}, undef, 'B33: it was not told the match code');
    $desk->again;
    $desk->add_document;
    $desk->confirm(q(echo '{"matchCode":"4711"}'));
    is($desk->work, 0, 'the code that the page shows is believed') or diag $desk->{err};
    ok($desk->good_value(0, 1), 'and the document is signed');
}
done_testing();
