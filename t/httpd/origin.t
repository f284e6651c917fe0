# B17: a browser sends credentials by itself; a request that shows a browser
# needs this server's own origin and the token, and nothing else needs either.
use strict;
use warnings FATAL => 'all';
use Test::More;
use SignVN::Test;

my $token = ask(GET => '/signvn/v1/session', user => 'anh')->{json}{csrf};
my $other = ask(GET => '/signvn/v1/session', user => 'binh')->{json}{csrf};
my $own = 'http://127.0.0.1:' . port();

sub attempt {
    my ($headers, %how) = @_;
    return ask(POST => '/signvn/v1/backups', user => 'anh', body => '{}',
               headers => { 'Content-Type' => 'application/json', %$headers }, %how);
}

is attempt({})->{status}, 200, 'a client that shows no browser needs no token';

my @shows = (['Sec-Fetch-Site' => 'same-origin'], [Origin => $own], [Cookie => 'a=b']);
for my $show (@shows) {
    my ($name) = @$show;
    is attempt({ @$show })->{status}, 403, "B17: $name without the token is refused";
    is attempt({ @$show })->{json}{code}, 'csrf.refused', "B17: $name: by its code";
    is attempt({ @$show, 'X-SignVN-CSRF' => $token })->{status}, 200, "$name with the token is served";
    is attempt({ @$show, 'X-SignVN-CSRF' => $other })->{status}, 403, "B17: $name with another user's token is refused";
    is attempt({ @$show, 'X-SignVN-CSRF' => substr($token, 0, 42) })->{status}, 403, "B17: $name with half a token is refused";
    is attempt({ @$show, 'X-SignVN-CSRF' => '' })->{status}, 403, "B17: $name with an empty token is refused";
}
for my $site (qw(cross-site same-site none Same-Origin)) {
    is attempt({ 'Sec-Fetch-Site' => $site, 'X-SignVN-CSRF' => $token })->{status}, 403, "B17: Sec-Fetch-Site $site is refused even with the token";
}
for my $origin ('http://evil.example', 'null', "http://127.0.0.1", "https://127.0.0.1:" . port(), "$own.evil.example", "http://127.0.0.1:" . (port() + 7)) {
    is attempt({ Origin => $origin, 'X-SignVN-CSRF' => $token })->{status}, 403, "B17: origin $origin is refused even with the token";
}
is attempt({ Origin => 'http://evil.example', Host => 'evil.example', 'X-SignVN-CSRF' => $token })->{status}, 403,
    'B17: a Host header that agrees with the origin does not help';
is attempt({ Origin => $own, 'Sec-Fetch-Site' => 'cross-site', 'X-SignVN-CSRF' => $token })->{status}, 403, 'B17: both must agree';
is attempt({ Origin => $own, Host => 'another.example', 'X-SignVN-CSRF' => $token })->{status}, 200, 'a proxy may have changed the Host';

# Bearer is exempt from the token, but it is no login by itself here.
is ask(POST => '/signvn/v1/backups', body => '{}', headers => { Authorization => 'Bearer x', Origin => 'http://evil.example', 'Content-Type' => 'application/json' })->{status},
    401, 'a bearer token that nobody checked is no user';
is ask(GET => '/signvn/v1/jobs', user => 'anh', headers => { 'Sec-Fetch-Site' => 'cross-site' })->{status}, 200, 'reading needs no token';
is ask(GET => '/signvn/v1/jobs', user => 'anh', headers => { Origin => 'http://evil.example' })->{headers}{'access-control-allow-origin'}, undef,
    'B17: but nobody else is let read the answer';
is ask(DELETE => '/signvn/v1/jobs/a', user => 'anh', headers => { Cookie => 'a=b' })->{status}, 403, 'B17: DELETE is a change';
is ask(POST => '/signvn/agent/v1/enroll/begin', user => 'anh', body => '{}', headers => { Origin => 'http://evil.example', 'Content-Type' => 'application/json' })->{status}, 403,
    'B17: a strange page enrols no desk';

# A form of another site is a "simple" request: multipart, text/plain.
my ($type, $body) = multipart([job => undef, 'application/json', '{"documents":[]}']);
is ask(POST => '/signvn/v1/jobs', user => 'anh', body => $body, headers => { 'Content-Type' => $type, Origin => 'http://evil.example', Cookie => 'a=b' })->{status}, 403,
    'B17: a cross-site form makes no job';

done_testing;
