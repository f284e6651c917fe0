# A person's browser on a practice site: calls, uploads, jobs.
#   my $c = Client->new($site);           # the decoded line of `site start`
#   my $a = $c->call(clerk => GET => '/signvn/v1/session');
#   my ($job, $answer) = $c->post_job(authority => $spec, $bytes...);
#   $job = $c->wait_job(authority => $job);
package Client;
use strict;
use warnings;
use utf8;
use Digest::SHA qw(sha256_hex);
use HTTP::Tiny ();
use JSON::PP ();
use MIME::Base64 qw(encode_base64);
use Time::HiRes qw(sleep time);

our $json = JSON::PP->new->utf8->canonical;
my $final = qr/^(?:done|partial|rejected|expired|cancelled|failed)$/;

sub new { my ($class, $site) = @_; return bless { site => $site, http => HTTP::Tiny->new(timeout => 60, keep_alive => 1) }, $class }
sub slurp { my ($path) = @_; open my $in, '<:raw', $path or die "$path: $!\n"; local $/; return scalar <$in> }
sub decode { my ($answer) = @_; return eval { $json->decode($answer->{content}) } || {} }

# who: a user of the site, or undef for nobody.
sub call {
    my ($self, $who, $method, $path, %with) = @_;
    my %headers = %{ $with{headers} || {} };
    if (defined $who) {
        my $user = $self->{site}{users}{$who} or die "no user $who\n";
        $headers{Authorization} = 'Basic ' . encode_base64("$user->{name}:$user->{password}", '');
    }
    return $self->{http}->request($method, $self->{site}{url} . $path, { headers => \%headers, content => $with{content} // '' });
}

sub multipart {
    my ($job, @files) = @_;
    my $mark = 'signvn' . sha256_hex(rand() . $$ . time);
    my $body = "--$mark\r\nContent-Disposition: form-data; name=\"job\"\r\nContent-Type: application/json\r\n\r\n" . $json->encode($job) . "\r\n";
    $body .= "--$mark\r\nContent-Disposition: form-data; name=\"document\"; filename=\"document.pdf\"\r\nContent-Type: application/pdf\r\n\r\n$_\r\n" for @files;
    return (content => "$body--$mark--\r\n", headers => { 'Content-Type' => "multipart/form-data; boundary=$mark" });
}

# specs: one document or a list of them; more: members of the job.
sub post_job {
    my ($self, $who, $specs, $files, %more) = @_;
    my %part = multipart({ agency => $self->{site}{agency}, %more, documents => ref $specs eq 'ARRAY' ? $specs : [$specs] }, ref $files ? @$files : $files);
    my $answer = $self->call($who, 'POST', '/signvn/v1/jobs', %part);
    return (decode($answer), $answer);
}

sub wait_job {
    my ($self, $who, $job, $seconds) = @_;
    my $deadline = time + ($seconds // 60);
    while (($job->{state} // '') !~ $final && time < $deadline) {
        sleep 0.1;
        $job = decode($self->call($who, 'GET', "/signvn/v1/jobs/$job->{id}"));
    }
    return $job;
}

sub document { my ($self, $who, $job, $n) = @_; return $self->call($who, 'GET', "/signvn/v1/jobs/$job->{id}/documents/" . ($n // 0))->{content} }

# The finished bytes and the item, or dies with the code.
sub sign {
    my ($self, $who, $spec, $bytes) = @_;
    my ($job, $answer) = $self->post_job($who, $spec, $bytes);
    die "HTTP $answer->{status} " . ($job->{code} // $answer->{content}) . "\n" . join('', map { '  ' . ($job->{$_} // '') . "\n" } qw(vi en detail)) if $answer->{status} != 201;
    $job = $self->wait_job($who, $job);
    my $item = $job->{items}[0];
    die "job $job->{state} " . ($item->{code} // $job->{code} // '') . "\n  " . ($item->{reason} // '') . "\n" if $job->{state} ne 'done';
    return ($self->document($who, $job), $item);
}

sub validate {
    my ($self, $bytes, %with) = @_;
    return decode($self->call($with{who} // 'clerk', 'POST', '/signvn/v1/validations' . ($with{query} // ''), content => $bytes, headers => { 'Content-Type' => 'application/pdf' }));
}

1;
