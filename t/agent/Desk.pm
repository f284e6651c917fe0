# A small server of the desk protocol and a token, for tests of the real
# signvn-agent.  The server runs in the test's own process while the agent runs
# as a child, so every message is there to look at.  Cryptography by the openssl
# program.
package Desk;
use strict;
use warnings;
use utf8;
use Cwd qw(abs_path);
use Digest::SHA qw(sha256 sha256_hex);
use File::Basename qw(dirname);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use IO::Select;
use IO::Socket::INET;
use JSON::PP;
use MIME::Base64 qw(encode_base64 decode_base64);
use POSIX qw(WNOHANG strftime);

my $json = JSON::PP->new->canonical->utf8;
our $root = abs_path(dirname(__FILE__) . '/../..');

sub slurp { my ($p) = @_; open my $f, '<:raw', $p or return undef; local $/; return scalar <$f> }
sub spew { my ($p, $data, $mode) = @_; open my $f, '>:raw', $p or die "$p: $!"; print $f $data; close $f; chmod $mode, $p if defined $mode }
sub bytes_of { my ($t) = @_; utf8::encode($t); return $t }
sub b64 { return encode_base64($_[0], '') }
sub b64u { my $t = encode_base64($_[0], ''); $t =~ tr{+/}{-_}; $t =~ s/=+$//; return $t }
sub unb64u { my ($t) = @_; $t =~ tr{-_}{+/}; return decode_base64($t . '=' x (-length($t) % 4)) }

sub agent_program {
    for my $path (grep { defined } $ENV{SGN_AGENT}, map { $_ ? "$_/signvn-agent" : undef } $ENV{SGN_BUILDDIR}) {
        return $path if -x $path;
    }
    return undef;
}
sub module { my ($m) = grep { -e } '/usr/lib/softhsm/libsofthsm2.so', glob('/usr/lib/*/softhsm/libsofthsm2.so'); return $m }

sub run { my (@c) = @_; my $pid = fork // die; if (!$pid) { open STDOUT, '>', '/dev/null'; open STDERR, '>', "/dev/null"; exec @c or POSIX::_exit(127) } waitpid $pid, 0; die "@c: $?" if $? }

# ---- DER and ES256 -----------------------------------------------------------
sub tlv { my ($tag, $v) = @_; my $n = length $v; return chr($tag) . ($n < 128 ? chr $n : $n < 256 ? "\x81" . chr $n : "\x82" . pack 'n', $n) . $v }
sub integer { my ($v) = @_; $v =~ s/^\0+(?=.)//s; $v = "\0$v" if ord($v) & 0x80; return tlv(2, $v) }

# SignedAttrs written independently of the product.
my %kinds = (approve => '060b2a864886f70d0109100605', check => '060b2a864886f70d0109100606', seal => '060b2a864886f70d0109100601');
sub dtbs {
    my (%a) = @_;
    my $attr = sub { my ($oid, $value) = @_; return tlv(0x30, pack('H*', $oid) . tlv(0x31, $value)) };
    my @list = (
        $attr->('06092a864886f70d010903', pack 'H*', '06092a864886f70d010701'),
        $attr->('06092a864886f70d010904', tlv(4, $a{digest})),
        $attr->('060b2a864886f70d010910022f', tlv(0x30, tlv(0x30, tlv(0x30, tlv(4, $a{certificate}))))),
        $attr->('060b2a864886f70d0109100210', tlv(0x30, pack 'H*', $kinds{ $a{kind} })));
    push @list, $attr->('061469f8d98faeaabfb2bdb784f39fbfd5febf971b01',
        tlv(0x30, "\x02\x01\x01" . tlv(0x80, $a{number}) . tlv(0x81, bytes_of($a{symbol})) . tlv(0x82, $a{date}) . tlv(0x83, $a{person})))
        if $a{kind} eq 'seal';
    return tlv(0x31, join '', sort @list);
}

sub sign_es256 {
    my ($self, $key, $text) = @_;
    spew("$self->{dir}/tbs", $text);
    my $der = `openssl dgst -sha256 -sign '$key' '$self->{dir}/tbs' 2>/dev/null`;
    my ($r, $s) = $der =~ /^\x30.\x02(.)/s ? do { my $n = ord $1; (substr($der, 4, $n), substr($der, 6 + $n)) } : die 'openssl';
    return join '', map { s/^\0+//r =~ /^(.*)$/s; "\0" x (32 - length $1) . $1 } $r, $s;
}
sub verify_es256 {
    my ($self, $point, $text, $signature) = @_;
    my $spki = pack('H*', '3059301306072a8648ce3d020106082a8648ce3d030107034200') . "\x04$point";
    spew("$self->{dir}/pub.der", $spki);
    spew("$self->{dir}/tbs", $text);
    spew("$self->{dir}/sig", tlv(0x30, integer(substr $signature, 0, 32) . integer(substr $signature, 32)));
    system("openssl dgst -sha256 -verify '$self->{dir}/pub.der' -keyform DER -signature '$self->{dir}/sig' '$self->{dir}/tbs' >/dev/null 2>&1");
    return $? == 0;
}
sub jws {
    my ($self, $payload, %o) = @_;
    my $header = $o{header} // { alg => 'ES256', typ => 'signvn-sign+jwt', kid => 'job1' };
    my $text = b64u($json->encode($header)) . '.' . b64u($json->encode($payload));
    return "$text." . ($o{unsigned} ? '' : b64u($self->sign_es256($o{key} // "$self->{dir}/server.pem", $text)));
}
sub open_jws {
    my ($self, $text, $typ, $point) = @_;
    my ($h, $p, $s) = split /\./, $text;
    my $header = $json->decode(unb64u($h));
    return undef unless $header->{alg} eq 'ES256' && $header->{typ} eq $typ;
    $point //= $header->{jwk} ? unb64u($header->{jwk}{x}) . unb64u($header->{jwk}{y}) : $self->{agent_point};
    return undef unless $self->verify_es256($point, "$h.$p", unb64u($s));
    return { header => $header, payload => $json->decode(unb64u($p)), point => $point };
}
sub point_of { my ($key) = @_; my $der = `openssl pkey -in '$key' -pubout -outform DER 2>/dev/null`; return substr $der, -64 }

# ---- a token and a desk ------------------------------------------------------
sub new {
    my ($class, %o) = @_;
    my $dir = tempdir(CLEANUP => 1);
    chmod 0755, $dir;
    my $self = bless { dir => $dir, pin => '246810', label => $o{label} // 'SignVN test', type => $o{type} // 'rsa',
        server_name => 'http://127.0.0.1', log => [], expires => 900, handlers => {}, documents => [] }, $class;
    run('openssl', 'ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', "$dir/server.pem");
    run('openssl', 'ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', "$dir/other.pem");
    my @new = $self->{type} eq 'rsa' ? ('rsa:2048') : ('ec', '-pkeyopt', 'ec_paramgen_curve:P-256');
    run('openssl', 'req', '-x509', '-newkey', @new, '-nodes', '-keyout', "$dir/token.key", '-out', "$dir/token.pem", '-days', 30,
        '-utf8', '-subj', bytes_of('/CN=Nguyễn Văn An/O=Xã Thử Nghiệm'), '-addext', 'basicConstraints=critical,CA:FALSE');
    run('openssl', 'x509', '-in', "$dir/token.pem", '-outform', 'DER', '-out', "$dir/token.der");
    run('openssl', 'pkcs8', '-topk8', '-nocrypt', '-in', "$dir/token.key", '-out', "$dir/token.p8");
    $self->{certificate} = slurp("$dir/token.der");
    $self->{certificate_sha256} = sha256($self->{certificate});
    $self->{credential} = b64u($self->{certificate_sha256});
    make_path("$dir/tokens");
    spew("$dir/softhsm2.conf", "directories.tokendir = $dir/tokens\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = true\n");
    $ENV{SOFTHSM2_CONF} = "$dir/softhsm2.conf";
    $self->{module} = module();
    run('softhsm2-util', '--init-token', '--free', '--label', $self->{label}, '--so-pin', '13579246', '--pin', $self->{pin});
    run('softhsm2-util', '--import', "$dir/token.p8", '--token', $self->{label}, '--label', 'k', '--id', '01', '--pin', $self->{pin});
    run('pkcs11-tool', '--module', $self->{module}, '--token-label', $self->{label}, '--login', '--pin', $self->{pin},
        '--write-object', "$dir/token.der", '--type', 'cert', '--id', '01', '--label', 'c');
    $self->pinentry($self->{pin});
    $self->confirm('exit 0');
    $self->{socket} = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 16, ReuseAddr => 1) or die "listen: $!";
    $self->{url} = 'http://127.0.0.1:' . $self->{socket}->sockport;
    return $self;
}
# A pinentry that writes down what it was told.
sub pinentry {
    my ($self, $pin, $error) = @_;
    my $answer = defined $error ? "echo 'ERR $error cancelled'" : "echo 'D $pin'; echo OK";
    spew("$self->{dir}/pinentry", <<"SH", 0755);
#!/bin/sh
echo 'OK ready'
while IFS= read -r line; do
    printf '%s\\n' "\$line" >> '$self->{dir}/pinentry.log'
    case \$line in
    GETPIN*) $answer;;
    BYE*) echo OK; exit 0;;
    *) echo OK;;
    esac
done
SH
}
sub asked { my ($self) = @_; my $log = slurp("$self->{dir}/pinentry.log") // ''; my $n = () = $log =~ /^GETPIN/mg; return $n }
sub confirm { my ($self, $script) = @_; spew("$self->{dir}/confirm", "#!/bin/sh\ncat > '$self->{dir}/display.json'\n$script\n", 0755) }
sub display { my ($self) = @_; my $t = slurp("$self->{dir}/display.json"); return defined $t && length $t ? $json->decode($t) : undef }

# ---- documents ---------------------------------------------------------------
sub add_document {
    my ($self, %o) = @_;
    my $n = scalar @{ $self->{documents} };
    my $original = $o{original} // "%PDF-1.7\noriginal document $n\n%%EOF\n" . 'x' x 5000;
    my $before = $o{before} // "\n9 0 obj <</Type/Sig/Contents ";
    my $zeros = $o{zeros} // '0' x 4096;
    my $after = $o{after} // "/ByteRange[0 0 0 0]>>\nendobj\n%%EOF\n";
    my $file = "$original$before<$zeros>$after";
    my $a = length($original) + length $before;
    my $b = $a + length($zeros) + 2;
    my $range = $o{range} // [ 0, $a, $b, length($file) - $b ];
    my $digest = $o{digest} // sha256(substr($file, 0, $range->[1]) . substr($file, $range->[2], $range->[3]));
    my $kind = $o{kind} // 'approve';
    my $dtbs = $o{dtbs} // dtbs(kind => $o{dtbs_kind} // $kind, digest => $digest,
        certificate => $o{certificate} // $self->{certificate_sha256}, number => '07', symbol => 'QĐ-UBND', date => '2026-11-20', person => sha256('p'));
    my $document = { file => $o{served} // $file, dtbs => $dtbs, item => {
        n => $n, subject => $o{subject} // "Quyết định số $n", kind => $kind, kindText => 'Ký ban hành', docURI => "/signvn/agent/v1/docs/x/$n",
        size => length $file, originalSize => length $original, hash => sha256_hex($file), originalHash => sha256_hex($original),
        signature_format => 'P', byteRange => $range, dtbs => b64($dtbs), hashDtbs => sha256_hex($dtbs), %{ $o{item} // {} } } };
    push @{ $self->{documents} }, $document;
    return $document;
}
sub sign_request {
    my ($self, %o) = @_;
    my $now = time + ($self->{skew} // 0);
    return { jobID => 'job-1', aud => $self->{agent_id}, sub => 'chutich', origin => 'https://dms.example', iat => $now,
        exp => $now + $self->{expires}, nonce => $self->{nonce} //= b64u(sha256(rand . $$ . time)), credentialID => $self->{credential},
        numSignatures => scalar @{ $self->{documents} },
        signAlgo => $self->{algorithm} // ($self->{type} eq 'rsa' ? '1.2.840.113549.1.1.10' : '1.2.840.10045.4.3.2'),
        hashAlgorithmOID => '2.16.840.1.101.3.4.2.1', matchCode => '4711', description => 'Ký ban hành',
        documentDigests => [ map { $_->{item} } @{ $self->{documents} } ], %o };
}

# ---- the server --------------------------------------------------------------
sub answer {
    my ($self, $client, $status, $body, %header) = @_;
    my $content = ref $body ? $json->encode($body) : $body // '';
    my $date = strftime('%a, %d %b %Y %H:%M:%S GMT', gmtime(time + ($self->{skew} // 0)));
    print $client "HTTP/1.1 $status X\r\nDate: $date\r\nContent-Length: ", length $content, "\r\nConnection: close\r\n",
        (map { "$_: $header{$_}\r\n" } keys %header), $status == 204 ? "\r\n" : "\r\n$content";
}
sub problem { my ($self, $client, $status, $code) = @_; $self->answer($client, $status, { type => 'about:blank', title => $code, status => $status, code => $code, detail => 'test' }) }

sub read_request {
    my ($client) = @_;
    my $head = '';
    while ($head !~ /\r\n\r\n/) { my $n = sysread $client, $head, 65536, length $head; return undef unless $n }
    my ($first, $body) = split /\r\n\r\n/, $head, 2;
    my ($method, $target) = $first =~ m{^(\S+) (\S+)};
    my ($length) = $first =~ /^Content-Length: (\d+)/mi;
    while (length $body < ($length // 0)) { my $n = sysread $client, $body, 65536, length $body; return undef unless $n }
    my ($proof) = $first =~ /^SignVN-Proof: (\S+)/mi;
    return { method => $method, path => $target, body => $body, proof => $proof };
}
sub check_proof {
    my ($self, $r) = @_;
    my $proof = $r->{proof} && $self->open_jws($r->{proof}, 'signvn-proof+jwt') or return 'no proof';
    my $p = $proof->{payload};
    return 'method' if $p->{htm} ne $r->{method};
    return 'path' if $p->{htu} ne $r->{path};
    return 'body' if $p->{bodyHash} ne sha256_hex($r->{body});
    return 'time' if abs($p->{iat} - time - ($self->{skew} // 0)) > 60;
    return 'jti' if $self->{jti}{ $p->{jti} }++;
    $r->{proved} = $proof;
    return undef;
}

sub serve_one {
    my ($self, $client) = @_;
    my $r = read_request($client) or return;
    (my $route = $r->{path}) =~ s{^/signvn/agent/v1/}{};
    my $wrong = $self->check_proof($r);
    $r->{json} = length $r->{body} ? eval { $json->decode($r->{body}) } : undef;
    push @{ $self->{log} }, { route => $route, body => $r->{json}, wrong => $wrong };
    return $self->problem($client, 401, 'agent.proof') if $wrong;
    (my $name = $route) =~ s{^docs/.*}{docs};
    my $handler = $self->{handlers}{$name};
    return if $handler && $handler->($self, $client, $r, $route);
    my $method = "on_$name" =~ tr{/}{_}r;
    return $self->can($method) ? $self->$method($client, $r, $route) : $self->problem($client, 404, 'not-found');
}
sub on_enroll {
    my ($self, $client, $r) = @_;
    my $jwk = $r->{json}{agentKey};
    $self->{agent_point} = unb64u($jwk->{x}) . unb64u($jwk->{y});
    my $point = $self->{announced_point} // point_of("$self->{dir}/server.pem");
    $self->answer($client, 202, { enrolmentID => 'e1', nonce => b64u($self->{enrol_nonce} = sha256('nonce')),
        serverKeys => [ { kty => 'EC', crv => 'P-256', x => b64u(substr $point, 0, 32), y => b64u(substr $point, 32), kid => 'job1' } ] });
}
sub on_enroll_status {
    my ($self, $client) = @_;
    return $self->answer($client, 202, {}) if ($self->{unconfirmed}-- // 0) > 0;
    $self->answer($client, 200, { agentID => $self->{agent_id} = 'agent-1', policy => { maxBatch => 100, minVersion => '0' } });
}
sub on_credentials { my ($self, $client, $r) = @_; $self->answer($client, 200, { credentials => [ map { { credentialID => $_->{credentialID}, status => 'bound' } } @{ $r->{json}{credentials} } ] }) }
sub on_poll {
    my ($self, $client) = @_;
    return $self->answer($client, 204, undef, 'Retry-After' => 1) if !@{ $self->{documents} } || $self->{offered}++;
    $self->answer($client, 200, { job => { jobID => 'job-1', credentialID => $self->{credential}, numSignatures => scalar @{ $self->{documents} }, kind => 'approve' } });
}
sub on_claim {
    my ($self, $client, $r) = @_;
    $self->{lease} = $r->{json}{leaseID};
    $self->answer($client, 200, { leaseExpires => '2026-11-20T10:00:00+07:00', signRequest => $self->{sign_request} // $self->jws($self->sign_request(%{ $self->{request} // {} })) });
}
sub on_docs {
    my ($self, $client, $r, $route) = @_;
    my ($n) = $route =~ m{/(\d+)$};
    $self->answer($client, 200, $self->{documents}[$n]{file}, 'Content-Type' => 'application/pdf');
}
sub on_progress { my ($self, $client) = @_; $self->answer($client, 200, { leaseExpires => '2026-11-20T10:00:00+07:00', cancelled => $self->{cancelled} ? JSON::PP::true : JSON::PP::false }) }
sub on_result { my ($self, $client, $r) = @_; $self->{result} = $r->{json}; $self->answer($client, 200, { items => [ map { { n => $_->{n}, status => 'signed' } } @{ $r->{json}{items} } ] }) }
sub on_reject { my ($self, $client, $r) = @_; $self->{rejected} = $r->{json}; $self->answer($client, 200, {}) }

# Runs the agent and serves it until it ends; returns its exit code.
sub agent {
    my ($self, $seconds, @args) = @_;
    my $pid = fork // die;
    if (!$pid) {
        open STDIN, '<', '/dev/null';
        open STDOUT, '>', "$self->{dir}/agent.out";
        open STDERR, '>', "$self->{dir}/agent.err";
        close $self->{socket};
        exec agent_program(), $args[0], '--state', "$self->{dir}/state", @args[ 1 .. $#args ] or POSIX::_exit(127);
    }
    $self->{pid} = $pid;
    my $select = IO::Select->new($self->{socket});
    my $end = time + $seconds;
    while (time < $end) {
        if (waitpid($pid, WNOHANG) == $pid) { $self->{err} = slurp("$self->{dir}/agent.err"); return $? & 127 ? 256 + $? : $? >> 8 }
        next unless $select->can_read(0.05);
        my $client = $self->{socket}->accept or next;
        local $SIG{PIPE} = 'IGNORE';
        $self->serve_one($client);
        close $client;
    }
    kill 'KILL', $pid;
    waitpid $pid, 0;
    $self->{err} = slurp("$self->{dir}/agent.err");
    return -1;
}
sub enroll { my ($self) = @_; return $self->agent(30, 'enroll', '--server', $self->{url}, '--code', 'abcd-2345', '--name', bytes_of('Máy thử')) }
sub work {
    my ($self, @more) = @_;
    return $self->agent($self->{seconds} // 40, 'run', '--once', '--module', $self->{use_module} // $self->{module},
        '--pinentry', "$self->{dir}/pinentry", '--confirm', "$self->{dir}/confirm", @more);
}
# Between two jobs of one desk.
sub again {
    my ($self) = @_;
    delete @$self{qw(offered nonce result rejected sign_request request lease algorithm cancelled)};
    @$self{qw(documents log handlers)} = ([], [], {});
    unlink "$self->{dir}/pinentry.log", "$self->{dir}/display.json";
    $self->pinentry($self->{pin});
    $self->confirm('exit 0');
}
sub routes { my ($self) = @_; return join ' ', map { $_->{route} } @{ $self->{log} } }
# Does value n of the result verify over the DTBS with the token's certificate?
sub good_value {
    my ($self, $n, $pss) = @_;
    my ($item) = grep { $_->{n} == $n } @{ $self->{result}{items} };
    return 0 unless $item && defined $item->{signature};
    spew("$self->{dir}/value", decode_base64($item->{signature}));
    spew("$self->{dir}/dtbs", $self->{documents}[$n]{dtbs});
    run('openssl', 'x509', '-in', "$self->{dir}/token.pem", '-pubkey', '-noout', '-out', "$self->{dir}/token.pub");
    my $options = $pss ? '-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32' : '';
    system("openssl dgst -sha256 -verify '$self->{dir}/token.pub' $options -signature '$self->{dir}/value' '$self->{dir}/dtbs' >/dev/null 2>&1");
    return $? == 0;
}
1;
