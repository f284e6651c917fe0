#!/usr/bin/perl
# The practice PKI and its services do what the tests above them trust: a good
# certificate verifies, a revoked one does not, each fault shows.
use strict;
use warnings;
use File::Basename qw(dirname);
use File::Spec;
use File::Temp qw(tempdir);
use lib dirname(__FILE__) . '/../../scripts/practice';
use Port;
use Test::More;

my $scripts = File::Spec->rel2abs(dirname(__FILE__) . '/../../scripts');
my $dir = tempdir(CLEANUP => 1);
my $port = Port::free();
sub said { my $out = `@_ 2>&1`; return wantarray ? ($? == 0, $out) : $out }
sub openssl { return said("cd '$dir' && openssl @_") }

ok((said("'$scripts/practice-pki' '$dir' --port $port"))[0], 'a PKI is made') or BAIL_OUT('no PKI');
ok((said("'$scripts/practice-services' '$dir' start"))[0], 'its services start') or BAIL_OUT('no services');
END { said("'$scripts/practice-services' '$dir' stop") if $scripts && $dir }
my $json = do { open my $in, '<', "$dir/pki.json" or die; local $/; <$in> };
sub serial { my ($name) = @_; return $json =~ /"\Q$name\E": \{[^}]*"serial": "(\w+)"/ ? $1 : die $name }

my $path = '-CAfile anchors.pem -untrusted intermediates.pem';
ok((openssl("verify $path certs/$_.pem"))[0], "$_ leads to an anchor") for qw(authority deputy reviewer authority2 seal-a seal-a2 seal-b device);
ok(!(openssl("verify $path certs/$_.pem"))[0], "$_ does not") for qw(expired foreign future);
ok((openssl('verify -CAfile tsa-anchors.pem -purpose timestampsign certs/tsa.pem'))[0], 'the TSA has its own anchor');

sub status { my ($name) = @_; return (openssl("ocsp -issuer certs/issuing.pem -cert certs/$name.pem -url http://127.0.0.1:$port/ocsp -CAfile anchors.pem -verify_other certs/issuing.pem"))[1] }
like(status('authority'), qr/authority.pem: good/, 'OCSP: good');
like(status('revoked'), qr/revoked.*keyCompromise/s, 'OCSP: revoked');
like(status('held'), qr/certificateHold/, 'OCSP: on hold');
said("'$scripts/practice-pki' '$dir' revoke " . serial('deputy'));
like(status('deputy'), qr/deputy.pem: revoked/, 'a revocation counts at once');
said("'$scripts/practice-pki' '$dir' hold " . serial('reviewer'));
like(status('reviewer'), qr/certificateHold/, 'so does a hold');
said("'$scripts/practice-pki' '$dir' unhold " . serial('reviewer'));
like(status('reviewer'), qr/reviewer.pem: good/, 'and its end');

sub crl { return said("curl -s http://127.0.0.1:$port/crl/issuing.crl | openssl crl -inform DER -noout -text") }
like(crl(), qr/@{[ serial('deputy') ]}/, 'the CRL knows it too');

sub stamp {
    openssl('ts -query -data pki.json -sha256 -cert -out q');
    my ($got) = said("cd '$dir' && rm -f r && curl -s -f --max-time 5 --data-binary \@q http://127.0.0.1:$port/tsa -o r");
    return $got && (openssl('ts -verify -in r -queryfile q -CAfile tsa-anchors.pem'))[0] ? 1 : 0;
}
is(stamp(), 1, 'a time-stamp verifies');
for my $fault (qw(off error garbage nonce imprint refuse stranger replay)) {
    open my $out, '>', "$dir/faults/tsa.$fault" or die;
    close $out;
    is(stamp(), 0, "TSA fault $fault is a fault");
    unlink "$dir/faults/tsa.$fault";
}
is(stamp(), 1, 'and all is well after it');
for my $fault (qw(off garbage later)) {
    open my $out, '>', "$dir/faults/ocsp.$fault" or die;
    close $out;
    unlike(status('authority'), qr/: good/, "OCSP fault $fault is a fault");
    unlink "$dir/faults/ocsp.$fault";
}
{
    open my $out, '>', "$dir/clock" or die;
    print $out 61 * 86400, "\n";
    close $out;
    openssl('ts -query -data pki.json -sha256 -cert -out q');
    said("cd '$dir' && curl -s --data-binary \@q http://127.0.0.1:$port/tsa -o r");
    my ($year, $month) = (gmtime(time + 61 * 86400))[ 5, 4 ];
    my $name = (qw(Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec))[$month];
    like((openssl('ts -reply -in r -text'))[1], qr/Time stamp: $name .* @{[ 1900 + $year ]}/, 'the clock moves the services');
}
done_testing();
