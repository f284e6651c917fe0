# A signing desk written by hand, for tests on a practice site: it speaks the
# desk protocol with keys of openssl, lies where it is told to, and stops
# between any two steps.  With the key file of a practice certificate it brings
# real signature values.
package SignVN::Desk;
use strict;
use warnings;
use Cwd qw(abs_path);
use Digest::SHA qw(sha256 sha256_hex);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use MIME::Base64 qw(decode_base64);
use lib dirname(abs_path(__FILE__)) . '/../../agent';
use Desk ();
our @ISA = ('Desk');

sub new {
    my ($class, $site, $account) = @_;
    my $dir = tempdir(CLEANUP => 1);
    my $self = bless { dir => $dir, key => "$dir/desk.pem", site => $site, client => $site->client, account => $account }, $class;
    Desk::run('openssl', 'ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', $self->{key});
    my $point = Desk::point_of($self->{key});
    $self->{jwk} = { kty => 'EC', crv => 'P-256', x => Desk::b64u(substr $point, 0, 32), y => Desk::b64u(substr $point, 32) };
    return $self;
}

# %o: header, payload: members changed in the proof; proof: one made before;
# headers: of HTTP, more of them.
sub proof {
    my ($self, $method, $path, $body, %o) = @_;
    my %header = (alg => 'ES256', typ => 'signvn-proof+jwt', $self->{id} ? (kid => $self->{id}) : (jwk => $self->{jwk}), %{ $o{header} || {} });
    my %payload = (htm => $method, htu => $path, iat => time, jti => Desk::b64u(substr sha256(rand() . $$ . Time::HiRes::time()), 0, 16), bodyHash => sha256_hex($body), %{ $o{payload} || {} });
    return $self->jws(\%payload, header => \%header, key => $self->{key}, unsigned => $o{unsigned});
}
sub post {
    my ($self, $route, $message, %o) = @_;
    my $path = "/signvn/agent/v1/$route";
    my $method = $route =~ /^docs/ ? 'GET' : 'POST';
    my $body = $method eq 'GET' ? '' : $Client::json->encode($message);
    my $proof = $o{proof} // $self->proof($method, $path, $body, %o);
    $self->{last} = $proof;
    my %headers = (%{ $o{headers} || {} }, defined $o{without} ? () : ('SignVN-Proof' => $proof), $method eq 'POST' ? ('Content-Type' => 'application/json') : ());
    my $answer = $self->{client}->call(undef, $method, $o{to} // $path, content => $o{body} // $body, headers => \%headers);
    return (Client::decode($answer), $answer);
}

sub begin {
    my ($self) = @_;
    return Client::decode($self->{client}->call($self->{account}, POST => '/signvn/agent/v1/enroll/begin', content => '{}', headers => { 'Content-Type' => 'application/json' }))->{userCode};
}
sub request { my ($self, $code) = @_; return $self->post('enroll', { userCode => $code, agentName => 'desk of a test', agentKey => $self->{jwk}, appVersion => '1' }) }
sub confirm_as { my ($self, $who, $code) = @_; return Client::decode($self->{client}->call($who, POST => '/signvn/agent/v1/enroll/confirm', content => $Client::json->encode({ userCode => $code }), headers => { 'Content-Type' => 'application/json' })) }
sub enrol {
    my ($self) = @_;
    my $code = $self->begin;
    $self->request($code);
    $self->{id} = $self->confirm_as($self->{account}, $code)->{agentID} or die "the desk of $self->{account} did not enrol\n";
    return $self;
}

# Certificates by name of the practice PKI.
sub list {
    my ($self, @names) = @_;
    my @list = map { my $der = Client::slurp("$self->{site}{root}/pki/certs/$_.der"); { credentialID => Desk::b64u(sha256($der)), cert => { certificates => [ Desk::b64($der) ] },
        key => { algo => [ $_ eq 'deputy' ? '1.2.840.10045.4.3.2' : ('1.2.840.113549.1.1.10', '1.2.840.113549.1.1.11') ], len => 2048 }, token => { label => $_, serial => '1', protectedPath => JSON::PP::false } } } @names;
    return ($self->post('credentials', { credentials => \@list }))[0]{credentials};
}
sub poll { my ($self) = @_; return ($self->post('poll', { credentialIDs => [], wait => 0, capacity => 1 }))[0]{job} }
sub claim {
    my ($self, $job, $lease) = @_;
    $self->{lease} = $lease // 'lease-' . substr sha256_hex(rand() . $$), 0, 20;
    my ($answer, $http) = $self->post('claim', { jobID => $job, leaseID => $self->{lease} });
    $self->{request} = $answer->{signRequest} ? $Client::json->decode(Desk::unb64u((split /\./, $answer->{signRequest})[1])) : undef;
    $self->{job} = $job;
    return ($answer, $http);
}
sub progress { my ($self, $state) = @_; return ($self->post('progress', { jobID => $self->{job}, leaseID => $self->{lease}, state => $state, done => 0 }))[0] }

# The values of the claimed request by the key of certificate $name.
sub values_of {
    my ($self, $name) = @_;
    my $key = "$self->{site}{root}/pki/certs/$name.key";
    return map {
        Desk::spew("$self->{dir}/dtbs", decode_base64($_->{dtbs}));
        my $pss = $self->{request}{signAlgo} eq '1.2.840.113549.1.1.10' ? '-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32' : '';
        my $value = `openssl dgst -sha256 -sign '$key' $pss '$self->{dir}/dtbs'`;
        { n => $_->{n}, signature => Desk::b64($value) }
    } @{ $self->{request}{documentDigests} };
}
# %o: evidence: members of the record changed.
sub result {
    my ($self, $items, %o) = @_;
    my %dtbs = map { $_->{n} => $_->{hashDtbs} } @{ $self->{request}{documentDigests} || [] };
    my @record = map { { n => $_->{n}, hashDtbs => $dtbs{ $_->{n} }, signatureSha256 => sha256_hex(decode_base64($_->{signature})) } } grep { $_->{signature} } @$items;
    my $evidence = $self->jws({ v => 1, jobID => $self->{job}, iat => time, items => \@record, %{ delete $o{evidence} || {} } }, header => { alg => 'ES256', typ => 'signvn-evidence+jwt', kid => $self->{id} }, key => $self->{key});
    return $self->post('result', { jobID => $self->{job}, leaseID => $self->{lease}, items => $items, evidence => $evidence }, %o);
}

1;
