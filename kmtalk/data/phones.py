"""The phone sets of the speech synthesizers, as tables to kmtalk.phonemes.LABELS."""

from kmtalk.phonemes import LABELS


def _table(pairs: str) -> dict[str, str]:
    """Read "phone=LABEL phone=LABEL ..."."""
    return dict(pair.rsplit("=", 1) for pair in pairs.split())


_ENGLISH = {label.lower(): label for label in LABELS} | _table(
    "pau=sil h#=sil ssil=sil brth=sil B_10=sil B_20=sil B_30=sil ax=AH axr=ER ix=IH el=L en=N em=M dx=D nx=N hv=HH"
)

_CATALAN = _table(
    "pau=sil b=B ax=AH r=D rr=D g=G d=D n=N p=P l=L L=L u=UW uw=UW u1=UW w=W E=EH E1=EH t=T Z=ZH z=Z i=IY i1=IY "
    "k=K s=S S=SH O=AO O1=AO m=M a=AA a1=AA ax1=AH J=N o=OW o1=OW e=EY e1=EY f=F v=V y=Y j=Y ng=NG tS=CH dZ=JH "
    "ts=S dz=Z h=HH x=K D=DH B=B G=G T=TH"
)

_CZECH = _table(
    "#=sil d=D a=AA a:=AA m=M l=L i=IH i:=IY z~=ZH z=Z g=G b=B k=K s=S s~=SH n=N n~=N n*=NG o=OW o:=OW u=UW u:=UW "
    "c=S c~=CH e=EH e:=EH r=D r~=ZH t=T t~=T d~=D ch=HH h=HH v=V j=Y p=P f=F dz=Z dz~=JH"
)

_FINNISH_SHORT = _table(
    "m=M 7=OW y=UW r=D @=AE s=S e=EH l=L h=HH k=K n=N u=UW a=AA i=IY p=P v=V j=Y o=OW t=T S=SH N=NG d=D g=G b=B f=F"
)
_FINNISH = {"#": "sil"} | _FINNISH_SHORT | {f"{phone}:": label for phone, label in _FINNISH_SHORT.items()}

_HINDI = _table(
    "pau=sil k=K kh=K g=G gh=G ng=NG ch=CH chh=CH j=JH jh=JH T=T Th=T D=D Dh=D t=T th=T d=D dh=D n=N N=N p=P ph=P "
    "b=B bh=B m=M y=Y r=D l=L v=V sh=SH s=S h=HH f=F z=Z a=AH aa=AA ih=IH iy=IY uh=UH uw=UW eh=EH oh=OW ai=EH au=AO"
)

_ITALIAN = _table(
    "#=sil p=P o=OW o1=OW O=AO O1=AO l=L L=L tS=CH dZ=JH v=V b=B u=UW u1=UW n=N nf=M ng=NG a=AA a1=AA s=S i=IY i1=IY "
    "f=F E=EH E1=EH e=EY e1=EY g=G k=K r=D m=M ts=S dz=Z d=D S=SH z=Z t=T w=W j=Y J=N"
)

_RUSSIAN = _table(
    "pau=sil a=AH aa=AA ay=AH ae=AH e=EH ee=EH i=IY ii=IY ur=UH u=UH uu=UW oo=OW y=IH yy=IH s=S ss=S z=Z zz=Z "
    "sh=SH zh=ZH sch=SH ch=CH c=S p=P pp=P b=B bb=B m=M mm=M f=F ff=F v=V vv=V t=T tt=T d=D dd=D n=N nn=N l=L ll=L "
    "r=D rr=D k=K kk=K g=G gg=G h=HH hh=HH j=Y"
)

PHONES = {
    "ca": _CATALAN,
    "cs": _CZECH,
    "en": _ENGLISH,
    "fi": _FINNISH,
    "hi": _HINDI,
    "it": _ITALIAN,
    "ru": _RUSSIAN,
}
"""Language of a flite or festival voice -> its phone's name -> label; a tapped or trilled r looks like D, not R."""
