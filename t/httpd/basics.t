# Routes, errors in both languages, and who is asked for a name.
use strict;
use warnings FATAL => 'all';
use Digest::SHA qw(sha256_hex);
use Test::More;
use SignVN::Test;

my $health = ask(GET => '/signvn/v1/health');
is $health->{status}, 200, 'health needs no user';
is $health->{json}{op}, 'health.get', 'and reaches the keeper';
is $health->{json}{user}, undef, 'without a name';
is ask(GET => '/signvn/v1/info')->{status}, 200, 'info needs no user';
is ask(HEAD => '/signvn/v1/health')->{body}, '', 'HEAD has no body';

my $session = ask(GET => '/signvn/v1/session', user => 'anh');
is $session->{json}{user}, 'anh', 'the user is whom httpd authenticated';
like $session->{json}{csrf}, qr/^[\w-]{43}$/, 'the session tells the token for pages';
isnt ask(GET => '/signvn/v1/session', user => 'binh')->{json}{csrf}, $session->{json}{csrf}, 'another user has another token';
is ask(GET => '/signvn/v1/session')->{status}, 401, 'no user, no session';
my $open = ask(GET => '/signvn/v1/session', port => port('open'));
is $open->{status}, 401, 'not even where httpd lets everybody in';
is $open->{json}{code}, 'auth.required', 'and the code says so';

my $own = ask(GET => '/signvn/v1/session');
is $own->{json}{code}, 'auth.required', 'what httpd itself refuses has the same form';
is $own->{json}{status}, 401, 'with its status';
like $own->{headers}{'www-authenticate'}, qr/^Basic/, 'and the browser is still asked for a login';
is $own->{headers}{'content-length'}, length $own->{body}, 'the length is right';
is ask(GET => '/signvn/index.html')->{json}, undef, 'pages keep httpd\'s own words';
is ask(HEAD => '/signvn/v1/session')->{status}, 401, 'HEAD too';

my $vi = ask(GET => '/signvn/v1/nothing', user => 'anh');
is $vi->{status}, 404, 'an unknown address';
is $vi->{headers}{'content-type'}, 'application/problem+json; charset=utf-8', 'is a problem [RFC 9457]';
is $vi->{json}{code}, 'not-found', 'with a code';
is $vi->{json}{status}, 404, 'its status';
is $vi->{json}{title}, "Kh\x{f4}ng t\x{ec}m th\x{1ea5}y", 'in Vietnamese by default';
ok $vi->{json}{vi} && $vi->{json}{en}, 'and both languages beside it';
my $en = ask(GET => '/signvn/v1/nothing', user => 'anh', headers => { 'Accept-Language' => 'en-GB,en;q=0.9,vi;q=0.5' });
is $en->{json}{title}, 'Not found', 'English when it is preferred';
is $en->{headers}{'content-language'}, 'en', 'and the header tells so';
is ask(GET => '/signvn/v1/nothing', user => 'anh', headers => { 'Accept-Language' => 'fr, vi;q=0.8, en;q=0.1' })->{json}{title},
    $vi->{json}{title}, 'Vietnamese when it is preferred to English';

my $method = ask(PATCH => '/signvn/v1/jobs', user => 'anh', body => 'x');
is $method->{status}, 405, 'a method that is not there';
is $method->{json}{code}, 'method.not-allowed', 'has its code';
is $method->{headers}{allow}, 'POST, GET, HEAD', 'and names those that are';
is ask(GET => '/signvn/v1', user => 'anh')->{status}, 404, 'the base itself is no address';
is ask(GET => '/signvn/v1/jobs/', user => 'anh')->{status}, 404, 'no empty segment';
for my $bad ('a%2fb', '..', 'a%00b', 'a%20b', 'a;b', '%ff') {
    my $answer = ask(GET => "/signvn/v1/archive/$bad", user => 'anh');
    ok $answer->{status} == 404 || $answer->{status} == 400, "no identifier: $bad (B20)";
}
is ask(GET => '/signvn/v1/archive/urn:vn:H57.28:2026:00000001', user => 'anh')->{json}{args}{id}, 'urn:vn:H57.28:2026:00000001', 'an identifier reaches the keeper';
is ask(GET => '/signvn/v1/archive?q=%C4%91%E1%BA%A5t+%C4%91ai&number=*45', user => 'anh')->{json}{args}{q}, "\x{111}\x{1ea5}t \x{111}ai", 'so does a query';
is ask(GET => '/signvn/v1/archive?q=%ff', user => 'anh')->{json}{code}, 'request.encoding', 'a query is UTF-8';
is ask(GET => '/signvn/v1/archive?q=%00', user => 'anh')->{json}{code}, 'request.encoding', 'a query has no NUL';
is ask(GET => '/signvn/v1/archive?q=1&q=2', user => 'anh')->{json}{code}, 'request.field', 'a parameter is given once';
is ask(GET => '/signvn/v1/archive/a?id=b', user => 'anh')->{json}{code}, 'request.field', 'a query never replaces the path';
is ask(GET => '/signvn/v1/archive?a-b=2', user => 'anh')->{json}{code}, 'request.field', 'a parameter has a plain name';

my $refused = ask(GET => '/signvn/v1/agencies?code=seal.no-basis', user => 'anh');
is $refused->{status}, 409, 'what the keeper refuses is passed on';
is $refused->{json}{code}, 'seal.no-basis', 'with its code';
my $busy = ask(GET => '/signvn/v1/agencies?code=busy', user => 'anh');
is $busy->{status}, 503, 'busy';
ok $busy->{headers}{'retry-after'}, 'tells when to come again';

is ask(GET => '/signvn/v1/health', port => port('off'))->{status}, 404, 'where SignVN is off the module does nothing';
is ask(GET => '/signvn/v1/session', headers => { Host => 'evil.example' }, user => 'anh')->{status}, 200, 'the Host header decides nothing';

my $desk = ask(POST => '/signvn/agent/v1/poll', body => '{"wait":1}', headers => { 'Content-Type' => 'application/json' });
is $desk->{status}, 401, 'a desk without a proof';
is $desk->{json}{code}, 'agent.proof', 'has its code';
$desk = ask(POST => '/signvn/agent/v1/poll', user => 'anh', body => '{"wait":1}', headers => { 'Content-Type' => 'application/json', 'SignVN-Proof' => 'a.b.c' });
is $desk->{json}{proof}{jws}, 'a.b.c', 'the proof reaches the keeper';
is $desk->{json}{proof}{path}, '/signvn/agent/v1/poll', 'with the path';
is $desk->{json}{proof}{method}, 'POST', 'the method';
is $desk->{json}{proof}{bodyHash}, sha256_hex('{"wait":1}'), 'and the digest of the body';
is $desk->{json}{user}, undef, 'a desk speaks for no account';
my $docs = ask(GET => '/signvn/agent/v1/docs/abc/0', headers => { 'SignVN-Proof' => 'a.b.c' });
is $docs->{json}{proof}{bodyHash}, sha256_hex(''), 'of nothing when there is no body';

done_testing;
