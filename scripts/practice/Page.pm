# Lays out administrative documents as Decree 30/2020, Annex I, wants them, on
# A4 in Liberation Serif, and tells where number, day, month, signature and
# seal belong.
package Page;
use strict;
use warnings;
use utf8;
use Font;
use Pdf;

our $fonts = '/usr/share/fonts/truetype/liberation2';
my ($left, $right) = (85.04, 552.76);       # 30 mm and 15 mm margins
my ($left_middle, $right_middle) = (172, 418);
my $millimetre = 72 / 25.4;

sub new {
    my ($class, $pdf) = @_;
    my $self = bless { pdf => $pdf, fonts => {}, content => '', pages => [], boxes => {} }, $class;
    for my $style (qw(Regular Bold Italic)) {
        $self->{fonts}{$style} = Font->new("$fonts/LiberationSerif-$style.ttf", "LiberationSerif-$style");
        $self->{number}{$style} = $pdf->add(undef);
    }
    return $self;
}

sub put {
    my ($self, $style, $size, $x, $y, $text) = @_;
    my $font = $self->{fonts}{$style};
    my $short = substr $style, 0, 1;
    $self->{content} .= sprintf "BT /F%s %s Tf %.2f %.2f Td %s Tj ET\n", $short, $size, $x, $y, $font->hex($text);
    return $x + $font->width($text, $size);
}

sub centre {
    my ($self, $style, $size, $middle, $y, $text) = @_;
    my $x = $middle - $self->{fonts}{$style}->width($text, $size) / 2;
    $self->put($style, $size, $x, $y, $text);
    return $x;
}

sub rule { my ($self, $x, $y, $width) = @_; $self->{content} .= sprintf "0.7 w %.2f %.2f m %.2f %.2f l S\n", $x, $y, $x + $width, $y }

# Runs of text and gaps, centred; a gap is [name, width] and becomes a box.
sub line_with_gaps {
    my ($self, $style, $size, $middle, $y, @parts) = @_;
    my $font = $self->{fonts}{$style};
    my $whole = 0;
    $whole += ref $_ ? $_->[1] : $font->width($_, $size) for @parts;
    my $x = $middle - $whole / 2;
    for my $part (@parts) {
        if (ref $part) {
            my ($name, $width) = @$part;
            $self->{boxes}{$name} = $self->box($x, $y - 4.8, $width, 17);
            $x += $width;
        }
        else { $x = $self->put($style, $size, $x, $y, $part) }
    }
}

sub box {
    my ($self, $x, $y, $width, $height) = @_;
    my $page = 1 + @{ $self->{pages} };
    return { page => $page, map { $_->[0] => sprintf('%.2f', $_->[1]) + 0 } [ x => $x ], [ y => $y ], [ width => $width ], [ height => $height ] };
}

# Fills lines to the right margin and returns the next baseline.
sub paragraph {
    my ($self, $style, $size, $y, $text) = @_;
    my ($line, $x) = ('', $left + 28);
    for my $word (split / /, $text) {
        my $longer = $line eq '' ? $word : "$line $word";
        if ($x + $self->{fonts}{$style}->width($longer, $size) > $right) {
            $self->put($style, $size, $x, $y, $line);
            ($line, $x) = ($word, $left);
            $y -= $size * 1.35;
        }
        else { $line = $longer }
    }
    $self->put($style, $size, $x, $y, $line);
    return $y - $size * 1.35 - 4;
}

# One page of content ends; its dictionary keys may be given.
sub finish_page {
    my ($self, $keys) = @_;
    my $content = $self->{pdf}->add_stream('', $self->{content});
    push @{ $self->{pages} }, { content => $content, keys => $keys // '' };
    $self->{content} = '';
}

sub header {
    my ($self, $office, $symbol) = @_;
    $self->centre('Regular', 12, $left_middle, 785, 'ỦY BAN NHÂN DÂN');
    $self->centre('Bold', 12, $left_middle, 769, $office);
    $self->rule($left_middle - 30, 764, 60);
    $self->centre('Bold', 12, $right_middle, 785, 'CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM');
    my $x = $self->centre('Bold', 13, $right_middle, 769, 'Độc lập - Tự do - Hạnh phúc');
    $self->rule($x, 764, 2 * ($right_middle - $x));
    $self->line_with_gaps('Regular', 13, $left_middle, 740, 'Số: ', [ number => 36 ], "/$symbol");
    $self->line_with_gaps('Italic', 13, $right_middle, 740, 'Thử Nghiệm, ngày ', [ day => 24 ], ' tháng ', [ month => 24 ], ' năm 2026');
}

# Title, room for the signature image (40 x 20 mm) and name; the 36 mm seal
# covers the left third of the image. [NĐ 30/2020, Phụ lục I]
sub signer {
    my ($self, $y, $lines, $name) = @_;
    for my $line (@$lines) { $self->centre('Bold', 13, $right_middle, $y, $line); $y -= 16 }
    my ($width, $height, $seal) = (40 * $millimetre, 20 * $millimetre, 36 * $millimetre);
    $y -= 74;
    $self->{boxes}{signature} = $self->box($right_middle - $width / 2, $y + 20, $width, $height);
    $self->{boxes}{seal} = $self->box($right_middle - $width / 2 + $width / 3 - $seal, $y + 20 + ($height - $seal) / 2, $seal, $seal);
    $self->{boxes}{check} = $self->box($left, $y - 70, 180, 40);
    $self->centre('Bold', 13.5, $right_middle, $y, $name);
    return $y;
}

sub recipients {
    my ($self, $y) = @_;
    $self->put('Italic', 12, $left, $y, 'Nơi nhận:');
    my @lines = ('- Như Điều 3;', '- Ủy ban nhân dân tỉnh (để báo cáo);', '- Lưu: VT, VP.');
    $self->put('Regular', 11, $left, $y - 15 * $_, $lines[ $_ - 1 ]) for 1 .. @lines;
}

sub decision {
    my ($self) = @_;
    $self->header('XÃ THỬ NGHIỆM', 'QĐ-UBND');
    $self->centre('Bold', 14, 318.9, 700, 'QUYẾT ĐỊNH');
    $self->centre('Bold', 14, 318.9, 682, 'Về việc công nhận sáng kiến cấp xã năm 2026');
    $self->rule(268, 676, 100);
    $self->centre('Bold', 13, 318.9, 650, 'CHỦ TỊCH ỦY BAN NHÂN DÂN XÃ THỬ NGHIỆM');
    my $y = 626;
    $y = $self->paragraph('Italic', 13, $y, $_) for 'Căn cứ Luật Tổ chức chính quyền địa phương;',
        'Căn cứ Nghị định số 30/2020/NĐ-CP ngày 05 tháng 3 năm 2020 của Chính phủ về công tác văn thư;',
        'Theo đề nghị của Chánh Văn phòng Hội đồng nhân dân và Ủy ban nhân dân xã.';
    $self->centre('Bold', 13, 318.9, $y - 4, 'QUYẾT ĐỊNH:');
    $y -= 28;
    $y = $self->paragraph('Regular', 13, $y, $_) for
        'Điều 1. Công nhận sáng kiến “Số hóa sổ đăng ký văn bản đi” của bà Trần Thị Bích Đào, Phó Chủ tịch Ủy ban nhân dân xã, được áp dụng trên địa bàn xã kể từ ngày ký.',
        'Điều 2. Văn phòng Hội đồng nhân dân và Ủy ban nhân dân xã tổ chức phổ biến, hướng dẫn áp dụng và báo cáo kết quả trước ngày 15 tháng 12 hằng năm.',
        'Điều 3. Chánh Văn phòng, các bộ phận chuyên môn và bà Trần Thị Bích Đào chịu trách nhiệm thi hành Quyết định này./.';
    $self->recipients($y - 12);
    $self->signer($y - 12, ['CHỦ TỊCH'], 'Nguyễn Văn An');
    $self->finish_page;
}

sub letter {
    my ($self) = @_;
    $self->header('XÃ THỬ NGHIỆM', 'UBND-VP');
    $self->centre('Regular', 12, $left_middle, 722, 'V/v góp ý dự thảo kế hoạch');
    $self->centre('Regular', 13, 318.9, 690, 'Kính gửi: Ủy ban nhân dân xã Kiểm Chứng.');
    my $y = $self->paragraph('Regular', 13, 662, 'Ủy ban nhân dân xã Thử Nghiệm nhận được dự thảo kế hoạch phối hợp và cơ bản nhất trí với nội dung. '
        . 'Đề nghị bổ sung thời hạn thực hiện đối với từng nhiệm vụ, người chịu trách nhiệm và cách báo cáo.');
    $y = $self->paragraph('Regular', 13, $y, 'Kính đề nghị quý cơ quan nghiên cứu, tổng hợp./.');
    $self->recipients($y - 12);
    $self->signer($y - 12, [ 'KT. CHỦ TỊCH', 'PHÓ CHỦ TỊCH' ], 'Trần Thị Bích Đào');
    $self->finish_page;
}

sub annex {
    my ($self) = @_;
    $self->centre('Bold', 14, 318.9, 700, 'PHỤ LỤC');
    $self->centre('Italic', 13, 318.9, 680, '(Kèm theo Quyết định về việc công nhận sáng kiến cấp xã)');
    $self->paragraph('Regular', 13, 650, 'Danh sách bộ phận áp dụng: Văn thư; Một cửa; Tư pháp - Hộ tịch; Địa chính.');
    $self->finish_page;
}

# A page of running text with its number, for files of many pages.
sub running_page {
    my ($self, $number) = @_;
    $self->centre('Regular', 13, 318.9, 800, $number);
    my $y = 770;
    $y = $self->paragraph('Regular', 13, $y, "Mục $number.$_. Báo cáo tình hình thực hiện nhiệm vụ phát triển kinh tế - xã hội, bảo đảm quốc phòng, an ninh trên địa bàn xã.") for 1 .. 12;
    $self->finish_page;
}

# Fonts, pages and catalogue. Options: media, page_keys, catalog (text), tagged, nested.
sub finish {
    my ($self, %with) = @_;
    my $pdf = $self->{pdf};
    for my $style (sort keys %{ $self->{fonts} }) {
        my $font = $self->{fonts}{$style};
        $font->glyphs(' ');
        $pdf->add_font($font, $self->{number}{$style});
    }
    my $fonts = join '', map { '/F' . substr($_, 0, 1) . " $self->{number}{$_} 0 R" } sort keys %{ $self->{fonts} };
    my $media = $with{media} // '/MediaBox[0 0 595.28 841.89]';
    my $tree = $pdf->add(undef);
    my $parent = $with{nested} ? $pdf->add(undef) : $tree;
    my @kids;
    for my $page (@{ $self->{pages} }) {
        push @kids, $pdf->add("<</Type/Page/Parent $parent 0 R" . ($with{inherit} ? '' : "$media/Resources<</Font<<$fonts>>>>")
            . "/Contents $page->{content} 0 R" . ($with{page_keys} // '') . "$page->{keys}>>");
    }
    $self->{page_numbers} = \@kids;
    my $kids = '/Kids[' . join(' ', map { "$_ 0 R" } @kids) . ']/Count ' . @kids;
    my $shared = $with{inherit} ? "$media/Resources<</Font<<$fonts>>>>" : '';
    if ($with{nested}) {
        $pdf->set($tree, "<</Type/Pages/Kids[$parent 0 R]/Count " . @kids . "$shared>>");
        $pdf->set($parent, "<</Type/Pages/Parent $tree 0 R$kids>>");
    }
    else { $pdf->set($tree, "<</Type/Pages$kids$shared>>") }
    my $catalog = "/Type/Catalog/Pages $tree 0 R" . ($with{catalog} // '');
    if ($with{tagged}) {
        # A structure tree gives the hybrid something to pack, as Word does.
        my $root = $pdf->pack_object($pdf->add(undef));
        my $document = $pdf->pack_object($pdf->add(undef));
        my @paragraphs = map { $pdf->pack_object($pdf->add("<</Type/StructElem/S/P/P $document 0 R/Pg $kids[0] 0 R/K[]>>")) } 1 .. 30;
        $pdf->set($document, "<</Type/StructElem/S/Document/P $root 0 R/K[" . join(' ', map { "$_ 0 R" } @paragraphs) . ']>>');
        $pdf->set($root, "<</Type/StructTreeRoot/K[$document 0 R]>>");
        $pdf->pack_object($_) for $root, $document;
        $catalog .= "/Lang(vi-VN)/StructTreeRoot $root 0 R/MarkInfo<</Marked true>>";
    }
    $pdf->{root} = $pdf->add("<<$catalog>>");
    $pdf->{info} = $pdf->add('<</Producer(mod_signvn practice samples)/Title' . Pdf::text_string($with{title} // 'Mẫu thực hành')
        . "/CreationDate(D:20261120080000+07'00')>>");
    return $pdf;
}

1;
