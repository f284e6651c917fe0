#!/usr/bin/perl
# Tokens that misbehave, through a module that stands in front of SoftHSM2.
use strict;
use warnings;
use utf8;
use File::Basename qw(dirname);
use lib dirname(__FILE__);
use Desk;
use Test::More;
binmode Test::More->builder->$_, ':encoding(UTF-8)' for qw(output failure_output);

plan skip_all => 'signvn-agent is not built' unless Desk::agent_program();
plan skip_all => 'softhsm2 or opensc is not installed' unless Desk::module() && -x '/usr/bin/pkcs11-tool';
plan skip_all => 'the confirm program answers by itself only in a practice build' unless `@{[ Desk::agent_program() ]} --version` =~ /practice/;

# ---- ECDSA -------------------------------------------------------------------
{
    my $desk = Desk->new(type => 'ec', label => 'EC');
    is($desk->enroll, 0, 'EC: enrolled') or diag $desk->{err};
    $desk->add_document;
    is($desk->work, 0, 'EC: a P-256 token signs') or diag $desk->{err};
    ok($desk->good_value(0), 'EC: the value is DER and verifies');
    my ($told) = grep { $_->{route} eq 'credentials' } @{ $desk->{log} };
    is_deeply($told->{body}{credentials}[0]{key}{algo}, ['1.2.840.10045.4.3.2'], 'EC: ECDSA is all it offers');
}

# ---- a module that misbehaves ------------------------------------------------
my $desk = Desk->new;
my $fault = "$desk->{dir}/fault.so";
system('cc', '-shared', '-fPIC', '-o', $fault, "$Desk::root/t/fake/pkcs11.c", split(' ', `pkg-config --cflags p11-kit-1`), '-ldl') == 0 or die 'cc';
chmod 0755, $fault;
@ENV{qw(SGN_FAULT_MODULE SGN_FAULT_PIN SGN_FAULT_LOG)} = ($desk->{module}, $desk->{pin}, "$desk->{dir}/calls");
$desk->{use_module} = $fault;
$desk->enroll == 0 or die $desk->{err};

sub calls { my ($what) = @_; my $log = Desk::slurp("$desk->{dir}/calls") // ''; my @n = $log =~ /^$what (\d+)$/mg; return @n }
sub with {
    my ($behaviour, $documents, @more) = @_;
    $desk->again;
    unlink "$desk->{dir}/calls";
    $desk->add_document for 1 .. $documents;
    local $ENV{SGN_FAULT} = $behaviour;
    return $desk->work(@more);
}
sub errors { return map { $_->{error} // 'signed' } sort { $a->{n} <=> $b->{n} } @{ $desk->{result}{items} // [] } }

is(with('none', 1), 0, 'the module in front signs like the one behind') or diag $desk->{err};
is_deeply([ grep { $_ != 4 } calls('open') ], [], 'every session is read-only (CKF_SERIAL_SESSION alone)');
is(scalar(calls('login')), 1, 'one login');
is(with('nosize', 1), 0, 'a module that answers size queries with 0 is used') or diag $desk->{err};
is(with('noid', 1), 0, 'an empty CKA_ID leads to the only private key') or diag $desk->{err};
is(with('nopss', 1), 1, 'a token without PSS does not sign PSS');
is($desk->{rejected}{error}, 'token.mechanism', 'and says so');
my ($told) = grep { $_->{route} eq 'credentials' } @{ $desk->{log} };
is_deeply($told->{body}{credentials}[0]{key}{algo}, ['1.2.840.113549.1.1.11'], 'it had told the server so');

is(with('locked', 1), 1, 'a locked token');
is($desk->{rejected}{error}, 'pin.locked', 'locked: named');
is($desk->asked . scalar(calls('login')), '00', 'locked: no question, no try');
is(with('lockednow', 1), 1, 'a token that locks at the login');
is($desk->{rejected}{error}, 'pin.locked', 'locks: named');
is(scalar(calls('login')), 1, 'locks: one try');
is(with('low', 1), 0, 'after a mistake elsewhere the person is warned');
like(Desk::slurp("$desk->{dir}/pinentry.log"), qr/^SETERROR \S/m, 'low: by pinentry');
is(with('pad', 2), 0, 'a token with its own pad signs') or diag $desk->{err};
is($desk->asked, 0, 'pad: no password goes through this computer');
is(with('always', 3), 0, 'a key that wants the password for each signature signs') or diag $desk->{err};
is($desk->asked . ' ' . join(',', calls('login')), '1 1,2,2,2', 'always: the person is asked once, the token four times');

is(with('removed', 3), 1, 'pulled after the first of three');
is_deeply([ errors() ], [ 'signed', 'token.removed', 'token.removed' ], 'pulled: the first is delivered, the rest named');
ok($desk->good_value(0, 1), 'pulled: and verifies');
is(with('crash', 3), 1, 'a module that crashes at the second');
is_deeply([ errors() ], [ 'signed', 'token.failed', 'token.failed' ], 'crash: the first is delivered');

is(with('label', 1), 0, 'B16: a token label with line breaks signs') or diag $desk->{err};
{
    my @lines = split /\n/, Desk::slurp("$desk->{dir}/pinentry.log");
    is(scalar(grep { /^SETPROMPT/ } @lines), 1, 'B16: and sets no prompt of its own');
    is(join(' ', grep { !/^(?:OPTION (?:ttyname|ttytype|display|lc-ctype)=|SET(?:TIMEOUT|TITLE|DESC|PROMPT|ERROR) |GETPIN$|BYE$)/ } @lines), '',
        'B16: pinentry hears nothing but the desk\'s own commands');
    unlike(join(' ', @lines), qr/allow-external-password-cache/, 'no password cache is ever allowed');
}

my $begun = time;
is(with('hang', 2), 1, 'a module that hangs at the second');
ok(time - $begun < 60, 'hang: is killed in its time');
is_deeply([ errors() ], [ 'signed', 'token.failed' ], 'hang: the first is delivered');
like($desk->{err}, qr/did not answer in time/, 'hang: and said');
done_testing();
