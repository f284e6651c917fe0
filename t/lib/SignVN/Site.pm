# A practice site of one's own for a test: started on a free port, stopped at
# the end, also when the test is interrupted.
package SignVN::Site;
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Path qw(remove_tree);
use File::Temp qw(tempdir);

my $top = abs_path(dirname(__FILE__) . '/../../..');
use lib dirname(abs_path(__FILE__)) . '/../../../scripts/practice';
use Client;

sub new {
    my ($class, @options) = @_;
    $SIG{$_} = sub { exit 1 } for qw(HUP INT TERM);
    my $root = tempdir('signvn-site-XXXXXX', DIR => $ENV{TMPDIR} // '/var/tmp', CLEANUP => 0);
    my $self = bless { root => $root, owner => $$ }, $class;
    my $said = `'$top/scripts/site' start --root '$root' --port 0 @options 2>&1`;
    my ($line) = $? ? () : $said =~ /^(\{.*)$/m;
    die "the site did not start:\n$said" if !$line;
    $said =~ s/^\{.*\n//m;
    print STDERR $said;
    $self->{site} = $Client::json->decode($line);
    $self->{client} = Client->new($self->{site});
    $self->{samples} = $Client::json->decode(Client::slurp("$self->{site}{samples}/samples.json"));
    return $self;
}

sub client { return $_[0]{client} }
sub boxes { my ($self, $pdf) = @_; return $self->{samples}{documents}{$pdf}{boxes} }
sub sample { my ($self, $pdf) = @_; return Client::slurp($self->{samples}{documents}{$pdf}{file}) }
sub do { my ($self, @words) = @_; return system("$top/scripts/site", @words, '--root', $self->{root}) == 0 }

# The members of an approval that reserves, on a sample.
sub approval {
    my ($self, $pdf, %more) = @_;
    my $boxes = $self->boxes($pdf);
    return { kind => 'approve', secrecy => 'none', type => "Q\x{110}", subject => 'Quy che lam viec', placement => $boxes->{signature},
        reserve => { map { $boxes->{$_} ? ($_ => $boxes->{$_}) : () } qw(number day month date seal) }, %more };
}
sub sealing { my ($self, %more) = @_; return { kind => 'seal', secrecy => 'none', type => "Q\x{110}", symbol => "Q\x{110}-UBND", subject => 'Quy che lam viec', %more } }

sub DESTROY {
    my ($self) = @_;
    return if $self->{owner} != $$;
    local $?;
    system "$top/scripts/site", 'stop', '--root', $self->{root};
    remove_tree($self->{root}) unless $ENV{SIGNVN_KEEP};
}

1;
