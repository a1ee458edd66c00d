# A small web server: `perl web_server.pl PORT TEXT [SECONDS]` answers every request with TEXT. Told to end, it serves for
# two seconds yet, or as many as it is told, as what stands behind a balancer must.
use strict;
use warnings;
use IO::Socket::INET;

my ($port, $text, $seconds) = @ARGV;
my $end = 0;
$SIG{TERM} = sub { alarm($seconds || 2) };
$SIG{ALRM} = sub { $end = 1 };
$SIG{PIPE} = 'IGNORE';
my $listener = IO::Socket::INET->new(LocalPort => $port, Listen => 64, ReuseAddr => 1) or die "port $port: $!\n";
until ($end) {
    # Nothing where a signal came.
    my $client = $listener->accept() or next;
    while (my $line = <$client>) {
        last if $line =~ /^\r?\n$/;
    }
    print $client "HTTP/1.0 200 OK\r\nContent-Length: ", length($text), "\r\n\r\n$text";
    close $client;
}
