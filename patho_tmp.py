import time
from pathlib import Path
from breakerd.breaker.config import parse_document
from breakerd.breaker.errors import ConfigError
M=1_000_000
for name,text in {"nest":"x="+"["*1000+"]"*1000,"nest big":"x="+"["*500000,"inline":"x="+"{a="*300,"dots":"a."*(M//2)+"a=1","dots hdr":"["+"a."*(M//2)+"a]","dots inline":"x={"+"a."*(M//2)+"a=1}","dots spaces":"a . "*(M//4)+"a=1","long key":"a"*M+"=1","quotes":'"'*M,"tq":'"""\\'*(M//4),"sq":"'"*M,"q lines":'"\n'*(M//2),"digits":"x="+"9"*5000,"hex":"x=0x"+"f"*5000,"bigint":"x="+"9"*30,"many keys":"".join(f"a{i}=1\n" for i in range(90000)),"headers":"".join(f"[a{i}]\n" for i in range(110000)),"aot":"[[a]]\n"*160000,"nul":'x="a\\u0000"',"nulraw":'x="a\0"',"spaces":" "*M,"brackets":"[\n"*(M//2),"sur":'x="\ud800"',"quoted dots":"x={"+"'a'."*200000+"a=1}", "floats":"x=["+"1.5,"*200000+"]","arr":"x=["+"[],"*300000+"]","strs":"x=["+'"",'*300000+"]","tq2":'x="""'+'\\"""'*200000,"cr":"a=1\r"*3,"subtables":"".join(f"[a.b{i}.c.d.e]\n" for i in range(60000)),"eq":"="*M,"com":"#"*M,"arrcom":"x=["+"#\n"*400000}.items():
    t=time.time()
    try: parse_document(Path("f"),text); r="ok"
    except ConfigError as e: r=str(e)[:150]
    print(f"{name:12} {time.time()-t:6.2f} {r}",flush=True)
