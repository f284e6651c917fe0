#!/usr/bin/perl
# The real agent with a software token against a small server: what it signs,
# and everything it must refuse to sign.
use strict;
use warnings;
use utf8;
use File::Basename qw(dirname);
use lib dirname(__FILE__);
use Digest::SHA qw(sha256 sha256_hex);
use MIME::Base64 qw(decode_base64);
use Desk;
use Test::More;
binmode Test::More->builder->$_, ':encoding(UTF-8)' for qw(output failure_output);

plan skip_all => 'signvn-agent is not built' unless Desk::agent_program();
plan skip_all => 'softhsm2 or opensc is not installed' unless Desk::module() && -x '/usr/bin/pkcs11-tool';

my $desk = Desk->new;
my $practice = `@{[ Desk::agent_program() ]} --version` =~ /practice/;
plan skip_all => 'the confirm program answers by itself only in a practice build' unless $practice;

sub says { my ($code, $name) = @_; ok(index($desk->{err}, "$code:") >= 0, $name) or diag $desk->{err} }

# The six words, computed by this test on its own.
sub words {
    my ($server_point) = @_;
    my $source = Desk::slurp("$Desk::root/mod_signvn/dtbs/words.c");
    my ($first) = $source =~ /first\[32\]\[3\] = \{(.*?)\};/s;
    my ($second) = $source =~ /second\[64\]\[6\] = \{(.*?)\};/s;
    my @first = $first =~ /"(\w+)"/g;
    my @second = $second =~ /"(\w+)"/g;
    my $bits = unpack 'B*', sha256("signvn-words$desk->{agent_point}$server_point$desk->{enrol_nonce}ABCD2345");
    return map { my $i = oct '0b' . substr $bits, 11 * $_, 11; $first[ $i >> 6 ] . $second[ $i & 63 ] } 0 .. 5;
}
sub shown { my $text = Desk::slurp("$desk->{dir}/agent.out"); return $text =~ /^   ((?:\S+ ?){6})$/m ? split / /, $1 : () }

# ---- enrolment ---------------------------------------------------------------
is($desk->work, 1, 'a desk that is not enrolled does not run');
says('agent.not-enrolled', 'and says so');
is($desk->agent(10, 'enroll', '--server', $desk->{url}, '--code', 'short'), 1, 'a code of another shape is not sent');
says('enrol.code', 'and named');
is($desk->agent(10, 'enroll', '--server', 'http://127.0.0.1:1', '--code', 'ABCD2345'), 1, 'a server that is not there');
says('agent.server-unreachable', 'is named');
is($desk->agent(10, 'enroll', '--server', 'http://example.org', '--code', 'ABCD2345'), 1, 'http to another computer is refused');
says('agent.server-unreachable', 'and named');
$desk->{unconfirmed} = 1;
is($desk->enroll, 0, 'the desk enrols after the person confirmed') or diag $desk->{err};
is_deeply([shown()], [ words(Desk::point_of("$desk->{dir}/server.pem")) ], 'it shows the six words that the page computes');
is((stat "$desk->{dir}/state/agent.key")[2] & 0777, 0600, 'its key is its user\'s alone');
is($desk->agent(10, 'tokens', '--module', $desk->{module}), 0, 'the token is listed without a password');
like(Desk::slurp("$desk->{dir}/agent.out"), qr/^\Q$desk->{credential}\E\t/, 'by its certificate');
is($desk->asked, 0, 'nobody was asked');

{
    # a proxy between desk and server that gives its own key to the desk
    local $desk->{announced_point} = Desk::point_of("$desk->{dir}/other.pem");
    is($desk->agent(30, 'enroll', '--server', $desk->{url}, '--code', 'ABCD2345', '--state', "$desk->{dir}/proxied"), 0, 'B11: a proxy swaps the server\'s key');
    isnt(join(' ', shown()), join(' ', words(Desk::point_of("$desk->{dir}/server.pem"))), 'B11: the words on desk and page differ');
}
is($desk->enroll, 0, 'a desk may be enrolled again') or diag $desk->{err};

# ---- an honest job -----------------------------------------------------------
sub job {
    my ($name, $prepare, $code) = @_;
    $desk->again;
    $prepare->();
    my $exit = $desk->work;
    is($exit, $code ? 1 : 0, "$name: exit") or diag $desk->{err};
    is($desk->{rejected} ? $desk->{rejected}{error} : undef, $code, "$name: " . ($code // 'accepted')) or diag $desk->{err};
    return;
}
sub refused {
    my ($name, $code, $prepare) = @_;
    job($name, $prepare, $code);
    is($desk->asked, 0, "$name: no password was asked for");
    is($desk->{result}, undef, "$name: nothing was signed");
}

job('honest', sub { $desk->add_document; $desk->add_document(kind => 'check', subject => "Trích yếu \x{202e}đảo\n2") });
ok($desk->good_value(0, 1) && $desk->good_value(1, 1), 'honest: both values verify over the bytes shown (PSS, salt 32)');
is($desk->asked, 1, 'honest: one password for two documents');
my $display = $desk->display;
is($display->{matchCode}, '4711', 'honest: the match code is shown');
is($display->{documents}[1]{kind}, 'check', 'honest: the kind is shown');
unlike($display->{documents}[1]{subject}, qr/[\x{202e}\n]/, 'B16: no direction mark and no line break is shown');
like($display->{documents}[1]{subject}, qr/\\u\{202E\}/, 'B16: but its code is');
my $evidence = $desk->open_jws($desk->{result}{evidence}, 'signvn-evidence+jwt');
is($evidence->{payload}{items}[0]{hashDtbs}, sha256_hex($desk->{documents}[0]{dtbs}), 'honest: the desk\'s own evidence names what was signed');
is($evidence->{payload}{items}[1]{signatureSha256}, sha256_hex(decode_base64($desk->{result}{items}[1]{signature})), 'honest: and each value');
is(join(' ', grep { $_->{wrong} } @{ $desk->{log} }), '', 'honest: every request had a good proof');
like($desk->routes, qr{credentials poll claim docs/job-1/0 docs/job-1/1 progress.*result}, 'honest: in the order of the protocol');
{
    my @states = map { $_->{body}{state} } grep { $_->{route} eq 'progress' } @{ $desk->{log} };
    is_deeply([ @states[ 0, -1 ] ], [ 'displayed', 'authorised' ], 'honest: it told when it showed and when the password was given');
}
my ($told) = grep { $_->{route} eq 'credentials' } @{ $desk->{log} };
is($told->{body}{credentials}[0]{cert}{certificates}[0], Desk::b64($desk->{certificate}), 'honest: the certificate was told before any job');

job('B16: a subject that talks to pinentry', sub { $desk->add_document(subject => "x\nSETPROMPT evil\r\nOPTION y%0ASETDESC z") });
{
    my @lines = split /\n/, Desk::slurp("$desk->{dir}/pinentry.log");
    is(scalar(grep { /^SETPROMPT/ } @lines), 1, 'B16: one prompt, the desk\'s own');
    is(scalar(grep { /^SETDESC/ } @lines), 1, 'B16: one description');
    like((grep { /^SETDESC/ } @lines)[0], qr/%250ASETDESC/, 'B16: a percent sign of the subject stays one');
}

job('v1.5', sub { $desk->add_document; $desk->{algorithm} = '1.2.840.113549.1.1.11' });
ok($desk->good_value(0), 'v1.5: the value verifies');
job('seal', sub { $desk->add_document(kind => 'seal') });
is($desk->display->{documents}[0]{number}, '07', 'seal: the number shown is the one signed');

# ---- what the server may not do ----------------------------------------------
refused('B10: tampered document', 'document.mismatch', sub { my $d = $desk->add_document; substr($d->{file}, 20, 1) = 'X' });
refused('longer document', 'document.mismatch', sub { my $d = $desk->add_document; $d->{file} .= 'more' });
refused('shorter document', 'document.mismatch', sub { my $d = $desk->add_document; chop $d->{file} });
refused('B10: another original', 'document.mismatch', sub { $desk->add_document(item => { originalHash => sha256_hex('other') }) });
refused('B10: content in the gap', 'document.mismatch', sub { $desk->add_document(zeros => '0' x 100 . 'BT /F1 12 Tf ET' . '0' x 100) });
refused('B10: a gap over 64 KB', 'document.mismatch', sub { $desk->add_document(zeros => '0' x 65535) });
refused('B10: an uncovered end', 'document.mismatch', sub { my $d = $desk->add_document; $d->{item}{byteRange}[3] -= 5 });
refused('B10: a range that starts late', 'document.mismatch', sub { my $d = $desk->add_document; $d->{item}{byteRange}[0] = 9; });
refused('B10: a gap inside the original', 'document.mismatch', sub { $desk->add_document(original => "%PDF-1.7\n<0000>end", before => '', range => [ 0, 9, 15, 4096 + 2 + 3 + 36 ]) });
refused('A7: another kind in the bytes', 'dtbs.mismatch', sub { $desk->add_document(kind => 'check', dtbs_kind => 'approve') });
refused('another certificate in the bytes', 'dtbs.mismatch', sub { $desk->add_document(certificate => sha256('other')) });
refused('another digest in the bytes', 'dtbs.mismatch', sub { $desk->add_document(digest => sha256('other')) });
refused('bytes that are no signed attributes', 'dtbs.mismatch', sub { $desk->add_document(dtbs => 'a bare hash, blindly signed') });
refused('a wrong digest of the bytes', 'dtbs.mismatch', sub { $desk->add_document(item => { hashDtbs => sha256_hex('other') }) });
refused('A10: a bare hash', 'request.field', sub { $desk->add_document(item => { signature_format => 'H' }) });
refused('SHA-1', 'request.field', sub { $desk->add_document; $desk->{request} = { hashAlgorithmOID => '1.3.14.3.2.26' } });
refused('more signatures than documents', 'request.field', sub { $desk->add_document; $desk->{request} = { numSignatures => 2 } });
refused('an algorithm that the token lacks', 'token.mechanism', sub { $desk->add_document; $desk->{algorithm} = '1.2.840.10045.4.3.1' });

refused('B15: a request of another key', 'request.forged', sub { $desk->add_document; $desk->{sign_request} = $desk->jws($desk->sign_request, key => "$desk->{dir}/other.pem") });
refused('B15: alg none', 'request.forged', sub { $desk->add_document; $desk->{sign_request} = $desk->jws($desk->sign_request, header => { alg => 'none', typ => 'signvn-sign+jwt', kid => 'job1' }, unsigned => 1) });
refused('B15: a key in the header', 'request.forged', sub {
    $desk->add_document;
    my $p = Desk::point_of("$desk->{dir}/other.pem");
    $desk->{sign_request} = $desk->jws($desk->sign_request, key => "$desk->{dir}/other.pem",
        header => { alg => 'ES256', typ => 'signvn-sign+jwt', jwk => { kty => 'EC', crv => 'P-256', x => Desk::b64u(substr $p, 0, 32), y => Desk::b64u(substr $p, 32) } });
});
refused('B15: another type', 'request.forged', sub { $desk->add_document; $desk->{sign_request} = $desk->jws($desk->sign_request, header => { alg => 'ES256', typ => 'signvn-proof+jwt', kid => 'job1' }) });
refused('a request for another desk', 'request.forged', sub { $desk->add_document; $desk->{request} = { aud => 'agent-2' } });
refused('a request of another job', 'request.forged', sub { $desk->add_document; $desk->{request} = { jobID => 'job-2' } });
refused('a request for another certificate', 'certificate.mismatch', sub { $desk->add_document; $desk->{request} = { credentialID => Desk::b64u(sha256('other')) } });
refused('an expired request', 'request.expired', sub { $desk->add_document; $desk->{request} = { exp => time - 1 } });

# ---- replay ------------------------------------------------------------------
{
    job('replay: first', sub { $desk->add_document; $desk->{nonce} = 'nonce-used-twice-1234' });
    refused('replay: the same request again', 'request.replayed', sub { $desk->add_document; $desk->{nonce} = 'nonce-used-twice-1234' });
}
{
    my $skewed = $desk->{skew} = 7200;
    job('clock two hours off: the server\'s time counts', sub { $desk->add_document });
    delete $desk->{skew};
}

# ---- what people and tokens do -----------------------------------------------
refused('the person says no', 'user.declined', sub { $desk->add_document; $desk->confirm('exit 1') });
refused('an answer that cannot be read', 'user.declined', sub { $desk->add_document; $desk->confirm('echo garbage') });
refused('declining what is not there', 'user.declined', sub { $desk->add_document; $desk->confirm(q(echo '{"declined":[{"n":9}]}')) });
$desk->again;
$desk->add_document for 1 .. 3;
$desk->confirm(Desk::bytes_of(q(echo '{"declined":[{"n":1,"reason":"Sai căn cứ"}]}')));
is($desk->work, 0, 'declined one of three: the others are signed') or diag $desk->{err};
ok($desk->good_value(0, 1) && $desk->good_value(2, 1), 'declined one of three: two good values');
{
    my ($item) = grep { $_->{n} == 1 } @{ $desk->{result}{items} };
    is_deeply([ @$item{qw(error reason)} ], [ 'user.declined', 'Sai căn cứ' ], 'declined one of three: with the reason');
    is($desk->asked, 1, 'declined one of three: one password');
}
$desk->again;
$desk->add_document;
$desk->confirm(q(echo '{"declined":[{"n":0,"reason":"x"}]}'));
is($desk->work, 0, 'all declined: told');
is($desk->asked, 0, 'all declined: no password was asked for');
is($desk->{result}{items}[0]{error}, 'user.declined', 'all declined: by item');

job('wrong password', sub { $desk->add_document; $desk->pinentry('000000') }, 'pin.incorrect');
is($desk->asked, 1, 'wrong password: asked once, never again by itself');
job('cancelled password', sub { $desk->add_document; $desk->pinentry('', 83886179) }, 'user.declined');
job('pinentry gives up', sub { $desk->add_document; $desk->pinentry('', 83886142) }, 'user.timeout');
job('percent in the password', sub { $desk->add_document; $desk->pinentry('24%36810') });
rename "$desk->{dir}/tokens", "$desk->{dir}/pulled";
refused('token pulled before', 'token.absent', sub { $desk->add_document });
rename "$desk->{dir}/pulled", "$desk->{dir}/tokens";
job('token put back', sub { $desk->add_document });
$desk->again;
$desk->add_document;
$desk->confirm('sleep 30');
$desk->{cancelled} = 1;
is($desk->work, 1, 'cancelled on the page: the desk lets go');
is($desk->asked, 0, 'cancelled on the page: no password was asked for');

# ---- B33: somebody must look -------------------------------------------------
$desk->again;
$desk->add_document;
is($desk->work('--typed-code'), 1, 'B33: a confirm program that nobody looks at is refused');
is($desk->{rejected}{error}, 'confirm.not-interactive', 'B33: and named');
is($desk->display->{matchCode}, undef, 'B33: it is not told the match code');
is($desk->asked, 0, 'B33: no password was asked for');
$desk->again;
$desk->add_document;
$desk->confirm(q(echo '{"matchCode":"4711"}'));
is($desk->work('--typed-code'), 0, 'B33: one that gives the code of the page back is believed') or diag $desk->{err};
chmod 0777, "$desk->{dir}/confirm";
$desk->{offered} = 0;
is($desk->work, 1, 'a confirm program that others can write is not run');
says('agent.program', 'and named');
$desk->again;
$desk->{handlers}{poll} = sub { my ($self, $client) = @_; $self->problem($client, 426, 'agent.version'); return 1 };
is($desk->work, 1, 'a desk that is too old stops');
says('agent.version', 'and says why');
$desk->again;
$desk->add_document;
$desk->{handlers}{claim} = sub { my ($self, $client) = @_; $self->problem($client, 409, 'agent.replay'); return 1 };
is($desk->work, 1, 'a claim that the server refuses ends the job');
says('agent.replay', 'with the server\'s code');

# ---- TLS ---------------------------------------------------------------------
{
    my $port = do { my $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1); $s->sockport };
    Desk::run('openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', "$desk->{dir}/tls.key", '-out', "$desk->{dir}/tls.pem",
        '-days', 2, '-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1');
    # one connection each; the answer to whatever is asked is an empty object
    my $connect = sub {
        my $pid = fork // die;
        if (!$pid) {
            open STDIN, '<', '/dev/null';
            open STDOUT, '>', '/dev/null';
            open STDERR, '>', '/dev/null';
            exec 'sh', '-c', "(printf 'HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\n{}'; sleep 5) |"
                . " exec openssl s_server -quiet -naccept 1 -accept 127.0.0.1:$port -cert '$desk->{dir}/tls.pem' -key '$desk->{dir}/tls.key'"
                or POSIX::_exit(127);
        }
        select undef, undef, undef, 0.7;
        my $exit = $desk->agent(20, 'enroll', '--server', "https://127.0.0.1:$port", '--code', 'ABCD2345', '--state', "$desk->{dir}/tls-state", @_);
        kill 'TERM', $pid;
        waitpid $pid, 0;
        return $exit;
    };
    is($connect->(), 1, 'TLS: a server whose certificate nobody vouches for');
    like($desk->{err}, qr/agent.server-unreachable.*certificate/s, 'TLS: is not spoken to');
    is($connect->('--ca', "$desk->{dir}/tls.pem"), 1, 'TLS: with its own root given');
    like($desk->{err}, qr/\(serverKeys\)/, 'TLS: it is');
}

# ---- the network -------------------------------------------------------------
{
    my ($lost, @seen) = 2;
    job('result lost twice', sub {
        $desk->add_document;
        $desk->{handlers}{result} = sub { my ($self, $client, $r) = @_; push @seen, $r->{json}{items}[0]{signature}; return $lost-- > 0 };
    });
    is(scalar @seen, 3, 'result lost twice: sent again');
    is($seen[0], $seen[2], 'result lost twice: the same value');
    is($desk->asked, 1, 'result lost twice: without another password');
}
done_testing();
