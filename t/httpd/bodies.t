# Uploads: secrecy, limits, quota, cut bodies, and multipart as attackers write it.
use strict;
use warnings FATAL => 'all';
use Digest::SHA qw(sha256_hex);
use Test::More;
use SignVN::Test;

my $file = join '', map { chr($_ % 251) } 0 .. 99_999;

sub validate { my ($body, %headers) = @_; return ask(POST => '/signvn/v1/validations', user => 'anh', body => $body, headers => { 'Content-Type' => 'application/pdf', %headers }) }
sub job { my ($type, $body) = @_; return ask(POST => '/signvn/v1/jobs', user => 'anh', body => $body, headers => { 'Content-Type' => $type }) }

# ---- what is right
my $got = validate($file);
is $got->{status}, 200, 'a document is taken';
is $got->{json}{documents}[0]{sha256}, sha256_hex($file), 'byte for byte';
is $got->{json}{documents}[0]{mediaType}, 'application/pdf', 'with its type';
is validate($file, 'Transfer-Encoding' => undef, 'SignVN-Secrecy' => 'none')->{status}, 200, 'secrecy none is taken';
my ($type, $body) = multipart([document => "v\x{c4}\x{83}n b\x{e1}\x{ba}\x{a3}n.pdf", 'application/pdf', $file]);
$got = ask(POST => '/signvn/v1/validations', user => 'anh', body => $body, headers => { 'Content-Type' => $type });
is $got->{json}{documents}[0]{sha256}, sha256_hex($file), 'so is a part document';
is $got->{json}{documents}[0]{name}, "v\x{103}n b\x{1ea3}n.pdf", 'with its name';
my $chunked = "POST /signvn/v1/validations HTTP/1.1\r\nHost: x\r\nAuthorization: " . basic('anh') . "\r\nConnection: close\r\nContent-Type: application/pdf\r\nTransfer-Encoding: chunked\r\n\r\n"
    . sprintf("%x\r\n%s\r\n", length $file, $file) . "0\r\n\r\n";
is raw($chunked)->{json}{documents}[0]{sha256}, sha256_hex($file), 'so is a chunked body';
($type, $body) = multipart([job => undef, 'application/json', '{"agency":"A","documents":[{"part":0,"kind":"approve","secrecy":"none"},{"part":1,"secrecy":"none"}]}'],
                           [document => 'a.pdf', 'application/pdf', $file], [document => 'b.pdf', undef, "\r\n--BOUN\r\n--\r\n"]);
$got = job($type, $body);
is $got->{status}, 201, 'a job with two documents is taken';
is $got->{json}{body}{agency}, 'A', 'its JSON';
is $got->{json}{documents}[1]{sha256}, sha256_hex("\r\n--BOUN\r\n--\r\n"), 'and what looks like a boundary inside a document';
is $got->{json}{descriptors}, 2, 'one descriptor for each';
my @many = map { "$_ " . substr $file, $_, 100_000 - 100 * $_ } 0 .. 19;
($type, $body) = multipart([job => undef, undef, '{"documents":[' . join(',', ('{"secrecy":"none"}') x 20) . ']}'], map { [document => 'a.pdf', undef, $_] } @many);
$got = job($type, $body);
is $got->{json}{descriptors}, 20, 'twenty documents are twenty descriptors';
is_deeply [map { $_->{sha256} } @{ $got->{json}{documents} }], [map { sha256_hex($_) } @many], 'each its own bytes';
is job('application/json', '{"documents":[]}')->{status}, 201, 'JSON alone is a job too';

# ---- secrecy, before anything is stored
for my $secrecy ('mat', 'toi-mat', 'tuyet-mat', '', 'NONE', 'none,mat') {
    $got = validate($file, 'SignVN-Secrecy' => $secrecy);
    is $got->{status} . ($got->{json}{code} // ''), '403secrecy.refused', "secrecy '$secrecy' is refused";
}
my $early = raw("POST /signvn/v1/validations HTTP/1.1\r\nHost: x\r\nAuthorization: " . basic('anh') . "\r\nContent-Type: application/pdf\r\nSignVN-Secrecy: mat\r\nContent-Length: 1000000\r\n\r\n", time => 5);
is $early->{status}, 403, 'secrecy is refused before the body comes';
is $early->{headers}{connection}, 'close', 'and the rest is not read';
for my $case (['{"documents":[{"kind":"approve"}]}', '422secrecy.missing'], ['{"documents":[{"secrecy":"mat"}]}', '403secrecy.refused'],
              ['{"documents":[{"secrecy":1}]}', '403secrecy.refused'], ['{"secrecy":"mat","documents":[]}', '403secrecy.refused']) {
    ($type, $body) = multipart([job => undef, 'application/json', $case->[0]], [document => 'a.pdf', undef, $file]);
    $got = job($type, $body);
    is $got->{status} . $got->{json}{code}, $case->[1], "a job $case->[0]";
}
($type, $body) = multipart([document => 'a.pdf', undef, $file], [metadata => undef, undef, '{"secrecy":"toi-mat"}']);
$got = ask(POST => '/signvn/v1/archive', user => 'anh', body => $body, headers => { 'Content-Type' => $type });
is $got->{json}{code}, 'secrecy.refused', 'metadata with a secrecy mark are refused';

# ---- limits (SignVNMaxDocument 2M, LimitRequestBody 3000000, SignVNSpoolQuota 4M)
sub code { my $answer = shift; return $answer->{status} . ' ' . ($answer->{json}{code} // '') }
is code(validate('')), '422 document.empty', 'an empty document';
is code(validate('x' x (2 << 20))), '200 ', 'a document of exactly the limit';
is code(validate('x' x ((2 << 20) + 1))), '413 request.too-large', 'a byte more';
($type, $body) = multipart([document => 'a.pdf', undef, 'x' x ((2 << 20) + 1)]);
is code(ask(POST => '/signvn/v1/validations', user => 'anh', body => $body, headers => { 'Content-Type' => $type })), '413 request.too-large', 'a byte more in a part';
my $announced = sub { raw("POST /signvn/v1/validations HTTP/1.1\r\nHost: x\r\nAuthorization: " . basic('anh') . "\r\nContent-Type: application/pdf\r\nContent-Length: $_[0]\r\n\r\n", time => 5) };
is code($announced->(2900000)), '413 request.too-large', 'too much is refused by its announcement';
($type, $body) = multipart([job => undef, undef, '{"documents":[{"secrecy":"none"},{"secrecy":"none"},{"secrecy":"none"}]}'], map { [document => "$_", undef, 'x' x 999_000] } 1 .. 3);
is code(job($type, $body)), '201 ', 'three documents below the quota';
is code(job('multipart/form-data; boundary=BOUND', "--BOUND\r\n" . 'x' x 3_100_000)), '413 request.too-large', 'LimitRequestBody counts too, before we are asked';
is code(job('application/json', '{"a":"' . 'x' x (1 << 20) . '"}')), '413 request.too-large', 'JSON has a limit of its own';
is code(job('application/json', '{"a":1,')), '400 request.json', 'broken JSON';
is code(job('application/json', '{"a":1,"a":2}')), '400 request.json', 'a key given twice';
is code(job('application/json', '[1]')), '422 request.field', 'JSON that is no object';
is code(job('text/plain', 'x')), '415 media-type.unsupported', 'another type';
is code(ask(POST => '/signvn/v1/validations', user => 'anh', body => 'a=b', headers => { 'Content-Type' => 'application/x-www-form-urlencoded' })), '415 media-type.unsupported', 'a plain form is no document';

# ---- the quota is given back, also by the dead
my @half = map {
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => port()) or die;
    print $socket "POST /signvn/v1/validations HTTP/1.1\r\nHost: x\r\nAuthorization: " . basic('anh') . "\r\nContent-Type: application/pdf\r\nContent-Length: 2000000\r\n\r\n" . 'x' x 1_900_000;
    $socket->flush;
    $socket;
} 1 .. 2;
select undef, undef, undef, 0.5;
is code(validate($file x 10)), '507 spool.full', 'no room while others upload';
is ask(GET => '/signvn/v1/health')->{status}, 200, 'everything else is served';
close $_ for @half;
select undef, undef, undef, 0.5;
is code(validate($file x 10)), '200 ', 'room again when they went away';

# ---- too many at once: refused before the body (SignVNWorkers 1: eight)
@half = map {
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => port()) or die;
    print $socket "POST /signvn/v1/validations HTTP/1.1\r\nHost: x\r\nAuthorization: " . basic('anh') . "\r\nContent-Type: application/pdf\r\nContent-Length: 100\r\n\r\nx";
    $socket->flush;
    $socket;
} 1 .. 8;
select undef, undef, undef, 0.5;
my $busy = $announced->(100);
is code($busy), '503 busy', 'a ninth upload is refused before its body';
ok $busy->{headers}{'retry-after'}, 'and told when to come again';
is code(job('application/json', '{"documents":[]}')), '201 ', 'signing has its own room (A16)';
close $_ for @half;
select undef, undef, undef, 0.5;
is code(validate($file)), '200 ', 'and then there is room again';

# ---- a body that breaks off
is code(raw("POST /signvn/v1/validations HTTP/1.1\r\nHost: x\r\nAuthorization: " . basic('anh') . "\r\nContent-Type: application/pdf\r\nContent-Length: 5000\r\n\r\nabc", cut => 1)),
    '400 request.cut', 'a body that breaks off is refused';

# ---- multipart as attackers write it
my $part = qq{Content-Disposition: form-data; name="document"; filename="a.pdf"\r\n};
my $attack = sub {
    my ($what, $text, $want, $boundary) = @_;
    is code(ask(POST => '/signvn/v1/validations', user => 'anh', body => $text, headers => { 'Content-Type' => $boundary // 'multipart/form-data; boundary=B' })),
        $want // '400 request.multipart', "multipart: $what";
};
$attack->('as it should be', "--B\r\n$part\r\nabc\r\n--B--\r\n", '200 ');
$attack->('without the last line end', "--B\r\n$part\r\nabc\r\n--B--", '200 ');
$attack->('a preamble', "hello\r\n--B\r\n$part\r\nabc\r\n--B--\r\n");
$attack->('an epilogue', "--B\r\n$part\r\nabc\r\n--B--\r\nhello");
$attack->('no closing boundary', "--B\r\n$part\r\nabc\r\n--B\r\n");
$attack->('padding behind a boundary', "--B \r\n$part\r\nabc\r\n--B--\r\n");
$attack->('bare line feeds', "--B\n$part\nabc\n--B--\n");
$attack->('no boundary', "--B\r\n$part\r\nabc\r\n--B--\r\n", undef, 'multipart/form-data');
$attack->('an empty boundary', "--\r\n$part\r\nabc\r\n----\r\n", undef, 'multipart/form-data; boundary=""');
$attack->('a long boundary', '--' . 'B' x 71, undef, 'multipart/form-data; boundary=' . 'B' x 71);
$attack->('two documents where one is asked', "--B\r\n$part\r\nabc\r\n--B\r\n$part\r\nabc\r\n--B--\r\n");
$attack->('an unknown part', qq{--B\r\nContent-Disposition: form-data; name="user"\r\n\r\nbinh\r\n--B--\r\n});
$attack->('two dispositions', "--B\r\n$part$part\r\nabc\r\n--B--\r\n");
$attack->('no disposition', "--B\r\nContent-Type: a/b\r\n\r\nabc\r\n--B--\r\n");
$attack->('no header at all', "--B\r\n\r\nabc\r\n--B--\r\n");
$attack->('two names', qq{--B\r\nContent-Disposition: form-data; name="document"; name="job"\r\n\r\nabc\r\n--B--\r\n});
$attack->('a name in two notations', qq{--B\r\nContent-Disposition: form-data; name="document"; filename*=utf-8''x\r\n\r\nabc\r\n--B--\r\n});
$attack->('a folded header', "--B\r\nContent-Disposition: form-data;\r\n name=\"document\"\r\n\r\nabc\r\n--B--\r\n");
$attack->('a transfer encoding', "--B\r\n${part}Content-Transfer-Encoding: base64\r\n\r\nYWJj\r\n--B--\r\n");
$attack->('a NUL in a header', "--B\r\nContent-Disposition: form-data; name=\"document\"; filename=\"a\0b\"\r\n\r\nabc\r\n--B--\r\n");
$attack->('a name that is not UTF-8', "--B\r\nContent-Disposition: form-data; name=\"document\"; filename=\"\xff\"\r\n\r\nabc\r\n--B--\r\n");
$attack->('long headers', "--B\r\nX: " . 'x' x 9000 . "\r\n$part\r\nabc\r\n--B--\r\n");
$attack->('many headers', "--B\r\n" . join('', map { "X-$_: x\r\n" } 1 .. 17) . "$part\r\nabc\r\n--B--\r\n");
$attack->('endless headers', "--B\r\n" . 'x' x 20000);
$attack->('an empty document', "--B\r\n$part\r\n\r\n--B--\r\n", '422 document.empty');
$attack->('no part at all', "--B--\r\n", '422 document.empty');
($type, $body) = multipart([document => 'a.pdf', undef, 'x'], [job => undef, undef, '{"documents":[]}']);
is code(job($type, $body)), '400 request.multipart', 'multipart: the job comes first';
($type, $body) = multipart([job => undef, undef, '{"documents":[]}'], [job => undef, undef, '{"documents":[]}']);
is code(job($type, $body)), '400 request.multipart', 'multipart: and once';
($type, $body) = multipart([job => undef, undef, '{"documents":[]}'], map { [document => "$_", undef, 'x'] } 1 .. 101);
is code(job($type, $body)), '413 request.too-large', 'multipart: a hundred documents at most';

opendir my $spool, state() . '/run/spool' or die $!;
is scalar(grep { !/^\./ } readdir $spool), 0, 'nothing is left in the spool';
done_testing;
